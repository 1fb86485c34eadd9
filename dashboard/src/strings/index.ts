/**
 * Every text that the dashboard shows. Another language is another folder beside `en` with the same shape, and a choice
 * made here.
 */
import * as en from "./en";

export const strings: typeof en = en;
