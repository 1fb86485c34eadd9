import { pluralize } from "./common";

export const attendance = {
  question: (name: string) => `Did ${name} come?`,
  came: "Came",
  missed: "Did not come",
  cancelled: "Cancelled",
  of: (answer: string, name: string) => `${answer}: ${name}`,
  amount: "Amount",
  amountHint: "0 if nothing was paid",
  amountInvalid: "Enter an amount such as 49.90",
  confirm: {
    completed: (name: string) => `What did ${name} pay?`,
    missed: (name: string) => `Record that ${name} did not come?`,
    cancelled: (name: string) => `Record that ${name} cancelled?`,
  },
  save: { completed: "Save visit", missed: "Yes, did not come", cancelled: "Yes, cancelled" },
  saved: {
    completed: (name: string) => `Visit of ${name} recorded`,
    missed: (name: string) => `Recorded: ${name} did not come`,
    cancelled: (name: string) => `Recorded: ${name} cancelled`,
  },
  correct: "Correct",
  correctOf: (name: string) => `Correct: ${name}`,
};

export const appointments = {
  lead: "Who is booked, and who might not come.",
  period: "Period",
  periods: { today: "Today", week: "Next 7 days" },
  unconfirmed: "Did they come?",
  unconfirmedHint: "Appointments of the last 7 days without an outcome.",
  unconfirmedList: "Appointments without an outcome",
  booked: "Booked",
  today: "Today",
  tomorrow: "Tomorrow",
  yesterday: "Yesterday",
  count: (shown: string, value: number) => pluralize(shown, value, "appointment", "appointments"),
  none: { today: "Nothing is booked for today", week: "Nothing is booked for the next 7 days" },
  noneHint:
    "Appointments appear here when your booking system reports them, or when you import a list of bookings.",
  adminHint: "For administrators: bookings are events with a time",
  apiDocs: "how to send them",
  noService: "No service named",
  outcomes: { open: "Booked", completed: "Came", missed: "Did not come", cancelled: "Cancelled" } as Record<
    string,
    string
  >,
  risk: (shown: string) => `No-show risk ${shown}`,
  catchingUp: "Bookings are still being read. The list will be complete in a moment.",
  model: {
    none: "The risk of a no-show appears once the outcomes of a few booked appointments are known.",
    rates: (missed: string, outcomes: string, value: number) =>
      `Risk by each customer’s own record and your company’s: ${missed} of ${pluralize(outcomes, value, "booked appointment was", "booked appointments were")} missed.`,
    fitted: (outcomes: string, day: string) =>
      `Risk learned from ${outcomes} of your past appointments on ${day}.`,
    better: (share: string) =>
      `On appointments it had not seen, its error was ${share} smaller than your company’s rate alone.`,
    noBetter: "On appointments it had not seen, it was no better than your company’s rate alone.",
    hardlyBetter: "On appointments it had not seen, it was hardly better than your company’s rate alone.",
    companyRate:
      "Nothing predicted better than your company’s rate, so that rate is used and everybody has the same risk.",
    tooFew: (outcomes: string, misses: string) =>
      `Too few for a model of your own (${outcomes} outcomes with ${misses} missed are needed).`,
  },
};
