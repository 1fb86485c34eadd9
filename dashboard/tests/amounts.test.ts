import { expect, test } from "vitest";
import { parseAmount } from "../src/format/amounts";

test.each([
  ["49.90", "49.90"],
  ["49,9", "49.90"],
  [" 50 ", "50.00"],
  ["1.249,90", "1249.90"],
  ["1,249.90", "1249.90"],
  ["1’249.90", "1249.90"],
  ["1.249", "1249.00"],
  ["0", "0.00"],
  ["007.5", "7.50"],
])("reads %s", (text, amount) => {
  expect(parseAmount(text)).toBe(amount);
});

test.each(["", "-5", "abc", "1e3", "49,", "1,24,9", "1234567890123", "€5"])("refuses %s", (text) => {
  expect(parseAmount(text)).toBeNull();
});
