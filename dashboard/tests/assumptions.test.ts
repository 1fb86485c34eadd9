import { expect, test } from "vitest";
import { assumptionOf, isComplete } from "../src/views/journey/past/assumptions";

const NOW = new Date("2026-03-12T09:00:00Z");
const VISIT = { type: "appointment.completed", at: "2026-03-13T09:00:00Z", amount: "" } as const;

test("the common questions", () => {
  expect(assumptionOf("visit", VISIT, NOW).events).toEqual([
    { type: "appointment.completed", occurred_at: "2026-03-13T09:00:00.000Z" },
  ]);
  expect(assumptionOf("misses", VISIT, NOW).events).toHaveLength(2);
  expect(assumptionOf("payment", VISIT, NOW).events?.[0]).toMatchObject({ amount: "200.00" });
  expect(assumptionOf("nothing", VISIT, NOW)).toEqual({ events: [], until: "2027-03-12T09:00:00.000Z" });
});

test("any other event: an amount where there is one, a booking for its time", () => {
  const paid = { ...VISIT, amount: "80.50" };
  expect(assumptionOf("other", paid, NOW).events).toEqual([
    { type: "appointment.completed", occurred_at: "2026-03-13T09:00:00.000Z", amount: "80.50" },
  ]);
  expect(assumptionOf("other", { ...paid, type: "appointment.requested" }, NOW).events?.[0]).toMatchObject({
    occurred_at: "2026-03-12T09:00:00.000Z",
    scheduled_for: "2026-03-13T09:00:00.000Z",
  });
});

test("what is incomplete", () => {
  expect(isComplete(VISIT)).toBe(true);
  expect(isComplete({ ...VISIT, amount: "12.345" })).toBe(false);
  expect(isComplete({ ...VISIT, at: "" })).toBe(false);
  expect(isComplete({ ...VISIT, type: "payment.adjusted" })).toBe(false);
  expect(isComplete({ ...VISIT, type: "payment.adjusted", amount: "-20" })).toBe(true);
});
