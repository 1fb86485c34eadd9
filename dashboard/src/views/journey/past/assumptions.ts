import type { Assumption } from "../../../api/types";
import { DAY } from "../../../format/dates";

export type Question = "visit" | "payment" | "misses" | "nothing" | "other";
export const QUESTIONS: readonly Question[] = ["visit", "payment", "misses", "nothing", "other"];

/** What may be assumed by itself: an event of one of these types, at a time, perhaps with an amount. */
export interface AssumedEvent {
  type: "appointment.completed" | "appointment.missed" | "appointment.requested" | "payment.adjusted";
  /** RFC 3339 */
  at: string;
  /** decimal text; empty: none */
  amount: string;
}

export const EVENT_TYPES: readonly AssumedEvent["type"][] = [
  "appointment.completed",
  "appointment.missed",
  "appointment.requested",
  "payment.adjusted",
];

export function hasAmount(type: AssumedEvent["type"]): boolean {
  return type === "appointment.completed" || type === "payment.adjusted";
}

/** Whether an event can be assumed: a payment needs an amount, and no amount may be malformed. */
export function isComplete({ type, at, amount }: AssumedEvent): boolean {
  if (Number.isNaN(new Date(at).getTime())) return false;
  if (!hasAmount(type)) return true;
  return amount === "" ? type !== "payment.adjusted" : /^-?[0-9]+(\.[0-9]{1,2})?$/.test(amount);
}

/** Return the body of the request that answers a question asked at an instant. */
export function assumptionOf(question: Question, other: AssumedEvent, now: Date): Assumption {
  const inDays = (days: number) => new Date(now.getTime() + days * DAY).toISOString();
  switch (question) {
    case "visit":
      return { events: [{ type: "appointment.completed", occurred_at: inDays(1) }] };
    case "payment":
      return { events: [{ type: "payment.adjusted", amount: "200.00", occurred_at: inDays(0) }] };
    case "misses":
      return { events: [1, 8].map((days) => ({ type: "appointment.missed", occurred_at: inDays(days) })) };
    case "nothing":
      return { events: [], until: inDays(365) };
    case "other":
      return { events: [toEvent(other, now)] };
  }
}

function toEvent({ type, at, amount }: AssumedEvent, now: Date): Record<string, unknown> {
  const time = new Date(at).toISOString();
  // A booking is made now, for a time to come.
  if (type === "appointment.requested")
    return { type, occurred_at: now.toISOString(), scheduled_for: time, appointment_id: "what-if" };
  return { type, occurred_at: time, ...(hasAmount(type) && amount !== "" ? { amount } : {}) };
}
