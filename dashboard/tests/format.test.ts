import { describe, expect, test } from "vitest";
import { contrast, readableTextColour } from "../src/format/contrast";
import { formatCalendarDate, formatRelative, formatTime } from "../src/format/dates";
import { actionLabel, humanize, label } from "../src/format/labels";
import { stringsLocale } from "../src/format/locale";
import { formatContribution, formatMoney, formatPercent, formatShare } from "../src/format/numbers";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, " ");

test("times of day, with the date if it is not within a day", () => {
  const now = Date.parse("2026-11-25T12:00:00");
  expect(formatTime("2026-11-25T14:30:00", now, "de")).toBe("14:30");
  expect(formatTime("2026-11-28T14:30:00", now, "de")).toMatch(/28\.11\.2026, 14:30/);
});

describe("numbers follow the locale", () => {
  test("amounts", () => {
    expect(formatMoney(1234.5, "EUR", "en-GB")).toBe("€1,234.50");
    expect(plain(formatMoney(1234.5, "EUR", "de-DE"))).toBe("1.234,50 €");
    expect(formatMoney(1234, "JPY", "en-US")).toBe("¥1,234");
  });

  test("fractions and percentages", () => {
    expect(formatShare(0.8, "en")).toBe("80%");
    expect(formatPercent(9.96, "en")).toBe("10%");
    expect(formatPercent(0.12, "en")).toBe("0.1%");
    expect(formatContribution(0.2333, "en")).toBe("+23.3%");
    expect(formatContribution(-0.0033, "en")).toBe("-0.3%");
    expect(formatContribution(0, "en")).toBe("None");
  });

  test("calendar dates do not depend on the time zone", () => {
    expect(formatCalendarDate("2026-12-07", "en-GB")).toBe("7 Dec 2026");
  });
});

describe("relative times", () => {
  test.each([
    ["2026-12-07T12:00:00Z", "in 12 days"],
    ["2026-11-26T12:00:00Z", "tomorrow"],
    ["2026-11-25T09:00:00Z", "3 hours ago"],
    ["2026-11-25T12:00:20Z", "now"],
    ["2027-01-25T12:00:00Z", "in 61 days"],
    ["2027-03-25T12:00:00Z", "in 4 months"],
    ["2024-11-25T12:00:00Z", "2 years ago"],
  ])("%s is %s", (instant, text) => expect(formatRelative(instant, NOW, "en")).toBe(text));

  test("are in the language of the strings", () => {
    expect(stringsLocale(["de-DE", "en-AU"])).toBe("en-AU");
    expect(stringsLocale(["de-DE"])).toBe("en");
  });
});

describe("text on an arbitrary background", () => {
  test("is readable on every colour", () => {
    for (let red = 0; red < 256; red += 15)
      for (let green = 0; green < 256; green += 15)
        for (let blue = 0; blue < 256; blue += 15) {
          const colour = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
          expect(contrast(colour, readableTextColour(colour)), colour).toBeGreaterThanOrEqual(4.5);
        }
  });

  test("is black on white and white on black", () => {
    expect(readableTextColour("#ffffff")).toBe("#000000");
    expect(readableTextColour("#000000")).toBe("#ffffff");
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  });
});

test("keys without a label are made readable", () => {
  expect(label("events", "appointment.completed")).toBe("Appointment completed");
  expect(label("events", "loyalty_card.shown")).toBe("Loyalty card shown");
  expect(humanize("__")).toBe("__");
  expect(actionLabel("send_onboarding_sequence.2")).toBe("Onboarding e-mail (2)");
  expect(actionLabel("centre_offer.7")).toBe("Offer requested");
});
