import { expect, test } from "vitest";
import { strings } from "../src/strings";
import { ruleStrings } from "../src/strings/rules";

/** Phrases of an earlier, too literal style that should not come back. */
const AWKWARD =
  /\b(asked for|is told|tells|is being made|by itself|by themselves|by hand|stands in|on its way|as (consent|it) allows?|meanwhile|anew|answers?|goes on|so long|upon|for ever|whom)\b/i;

/** Return all texts below a value; functions are called with placeholders. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "function") return textsOf(value("x", 2, "y", "z"));
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(textsOf);
  return [];
}

const texts = textsOf([strings, ruleStrings]);

test("no text contains an awkward phrase", () => {
  expect(texts.length).toBeGreaterThan(300);
  expect(texts.filter((text) => AWKWARD.test(text))).toEqual([]);
});

test("no text has spaces before punctuation or doubled spaces", () => {
  expect(texts.filter((text) => / [.,;:!?](\s|$)|\s\s/.test(text))).toEqual([]);
});
