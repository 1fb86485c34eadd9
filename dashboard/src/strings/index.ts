/**
 * All texts of the dashboard. To add a language, add a folder next to `en` with the same exports and select it here.
 */
import * as en from "./en";

export const strings: typeof en = en;
