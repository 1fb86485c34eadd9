import { counted } from "./common";

export const outreach = {
  call: "Call",
  email: "E-mail",
  offer: "Offer",
  of: (what: string, who: string) => `${what}: ${who}`,
  asked: {
    call: (who: string) => `A task to call ${who} is being made.`,
    email: (who: string) => `An e-mail to ${who} is on its way, as consent and quiet hours allow.`,
    offer: (who: string) => `An offer to ${who} is on its way, as consent and quiet hours allow.`,
  },
};

export const actionCentre = {
  atRisk: "Customers at risk",
  count: (shown: string, total: string) => (shown === total ? total : `the ${shown} riskiest of ${total}`),
  find: "Find at-risk customers by name, id or e-mail",
  customer: "Customer",
  risk: "Risk",
  inactive: "Inactive",
  value: "Lifetime value",
  returns: "Return probability",
  returnsUnknown: "Unknown",
  churns: "Predicted churn",
  predictedBy: {
    history: "From how long others stayed before they churned",
    deadline: "When the rules will count the customer as lost",
  } as Record<string, string>,
  recommended: "Actions",
  noModel: (reason: string) => `Return probabilities are not shown: ${reason}`,
  empty: "Nobody is at risk",
  emptyHint: "Customers appear here when their risk is over 70% or they have not come for long.",
  emptyFilter: "Nobody at risk matches this",
  selected: (shown: string, value: number) => `${counted(shown, value, "customer", "customers")} selected`,
  select: (who: string) => `Select ${who}`,
  selectAll: "Select all on this page",
  unselect: "Clear selection",
  sort: "Sort by",
  sorts: {
    risk_score: "Risk",
    days_inactive: "Days inactive",
    lifetime_value: "Lifetime value",
    return_probability: "Return probability",
    predicted_churn_date: "Predicted churn",
  },
  bulkTitle: (what: string, count: string, value: number) =>
    `${what}: ${counted(count, value, "customer", "customers")}?`,
  bulkText: {
    call: "Each of them gets a task to be called.",
    email: "Each of them gets an e-mail, as consent, quiet hours and the weekly limit allow.",
    offer:
      "Each of them gets an offer with a code of their own, as consent, quiet hours and the weekly limit allow.",
  },
  bulkOk: (what: string, count: string) => `${what} ${count}`,
  bulkProgress: (done: string, total: string) => `${done} of ${total}`,
  bulkDone: (shown: string, value: number) => `Asked for ${counted(shown, value, "customer", "customers")}.`,
  bulkFailed: (shown: string, value: number) => `Not for ${counted(shown, value, "customer", "customers")}:`,
  bulkOutcome:
    "What became of each is in the customer's timeline: what consent or quiet hours keep back is held back with its reason.",
  bulkRetry: "Try the failed ones again",
};

export const tasks = {
  title: "Open tasks",
  none: "No open tasks",
  noneHint: "Tasks come from stages and campaigns, and from the Call buttons.",
  done: "Done",
  doneOf: (title: string) => `Done: ${title}`,
  finished: (title: string) => `“${title}” is done.`,
  undo: "Undo",
  undone: (title: string) => `“${title}” is open again.`,
  notFinished: (title: string) => `“${title}” could not be marked as done`,
  overdue: "Overdue",
  due: (when: string) => `Due ${when}`,
  noDate: "No date",
  nobody: "Nobody",
  assignee: (title: string) => `Who does it: ${title}`,
  assigned: "The task has a new owner.",
};

export const stages = {
  lead: "How customers move, and what is done when they do.",
  growth: "Growth: reached by doing",
  lapse: "Lapse: reached by not doing",
  rule: "Customers come here when",
  any: "any of these holds",
  entry: "Every journey starts here.",
  byHand: "Only by hand.",
  actions: "On entering",
  noActions: "Nothing is done on entering.",
  retention: (days: string) => `Counts as lapsed after ${days} without any event.`,
  inactive: "Not in use",
};
