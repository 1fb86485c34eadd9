import { describe, expect, test } from "vitest";
import { contrast, textOn } from "../src/format/contrast";
import { calendarDay, relative } from "../src/format/dates";
import { actionName, readable, term } from "../src/format/labels";
import { languageOfWords } from "../src/format/locale";
import { money, percent, score, share } from "../src/format/numbers";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, " ");

describe("figures follow the locale", () => {
  test("money", () => {
    expect(money(1234.5, "EUR", "en-GB")).toBe("€1,234.50");
    expect(plain(money(1234.5, "EUR", "de-DE"))).toBe("1.234,50 €");
    expect(money(1234, "JPY", "en-US")).toBe("¥1,234");
  });

  test("shares of 1 and of 100", () => {
    expect(share(0.8, "en")).toBe("80%");
    expect(percent(9.96, "en")).toBe("10%");
    expect(percent(0.12, "en")).toBe("0.1%");
    expect(score("0.3", "de")).toBe("0,30");
  });

  test("a calendar day is the same day in every time zone", () => {
    expect(calendarDay("2026-12-07", "en-GB")).toBe("7 Dec 2026");
  });
});

describe("how far an instant is", () => {
  test.each([
    ["2026-12-07T12:00:00Z", "in 12 days"],
    ["2026-11-26T12:00:00Z", "tomorrow"],
    ["2026-11-25T09:00:00Z", "3 hours ago"],
    ["2026-11-25T12:00:20Z", "now"],
    ["2027-01-25T12:00:00Z", "in 61 days"],
    ["2027-03-25T12:00:00Z", "in 4 months"],
    ["2024-11-25T12:00:00Z", "2 years ago"],
  ])("%s is %s", (instant, said) => expect(relative(instant, NOW, "en")).toBe(said));

  test("is said in the language of the strings around it", () => {
    expect(languageOfWords(["de-DE", "en-AU"])).toBe("en-AU");
    expect(languageOfWords(["de-DE"])).toBe("en");
  });
});

describe("text on a colour that somebody else chose", () => {
  test("is read on every one of them", () => {
    for (let red = 0; red < 256; red += 15)
      for (let green = 0; green < 256; green += 15)
        for (let blue = 0; blue < 256; blue += 15) {
          const colour = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
          expect(contrast(colour, textOn(colour)), colour).toBeGreaterThanOrEqual(4.5);
        }
  });

  test("is black on white and white on black", () => {
    expect(textOn("#ffffff")).toBe("#000000");
    expect(textOn("#000000")).toBe("#ffffff");
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  });
});

test("keys without a name are made readable", () => {
  expect(term("events", "appointment.completed")).toBe("Appointment completed");
  expect(term("events", "loyalty_card.shown")).toBe("Loyalty card shown");
  expect(readable("__")).toBe("__");
  expect(actionName("send_onboarding_sequence.2")).toBe("Onboarding e-mail (2)");
  expect(actionName("centre_offer.7")).toBe("Offer asked for");
});
