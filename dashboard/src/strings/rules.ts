/** Texts of the editor of rules, and of previews. Apart from the others, because the first view does not need them. */
import * as preview from "./en/rule-preview";
import * as editor from "./en/stage-editor";

export const ruleStrings: typeof preview & typeof editor = { ...preview, ...editor };
