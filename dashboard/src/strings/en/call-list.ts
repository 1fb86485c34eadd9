import { pluralize } from "./common";

/** The call list and the due list. */
export const callList = {
  choose: "List",
  lists: { calls: "Call list", due: "Due soon", risk: "At risk" },
  titles: { calls: "Call list", due: "Due in the next 7 days" },
  phone: "Phone",
  noPhone: "No number",
  atStake: "At stake per year",
  expected: "Expected",
  interval: "Usual interval",
  actions: "Actions",
  everyDays: (shown: string, value: number) => `every ${pluralize(shown, value, "day", "days")}`,
  /** mean amount of a visit × visits per year × probability that the customer does not return */
  visits: (amount: string, days: string, share: string) => `${amount} × 365 ÷ ${days} days × ${share}`,
  perYear: (amount: string, years: string, share: string) => `${amount} ÷ ${years} years × ${share}`,
  formula: "Mean amount of a visit × 365 ÷ usual interval × (1 − return probability)",
  formulaWithoutRhythm: "Lifetime value ÷ years as a customer × (1 − return probability)",
  substitutions: {
    no_rhythm: "No usual interval is known yet, so the lifetime value per year counts.",
    no_model: "No return model yet, so the return probability counts as 0%.",
    no_mean_amount:
      "The mean amount of the latest visits is being computed; the mean of all visits counts until then.",
  },
  withLost: "Include customers who have left",
  empty: {
    calls: "Nobody to call",
    due: "Nobody is expected without an appointment",
  },
  emptyHint: {
    calls:
      "Customers appear here when they are at risk or later than usual, unless they have booked or were contacted in the last 7 days.",
    due: "Customers appear here a week before their next visit is expected, until they book.",
  },
  searching: "Looking further down the list…",
};
