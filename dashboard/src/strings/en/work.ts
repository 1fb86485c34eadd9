import { pluralize } from "./common";

const customerCount = (shown: string, value: number) => pluralize(shown, value, "customer", "customers");

export const outreach = {
  call: "Call",
  email: "E-mail",
  offer: "Offer",
  labelFor: (action: string, customer: string) => `${action}: ${customer}`,
  requested: {
    call: (customer: string) => `Call task created for ${customer}`,
    email: (customer: string) => `E-mail to ${customer} requested. Consent and quiet hours apply.`,
    offer: (customer: string) => `Offer to ${customer} requested. Consent and quiet hours apply.`,
  },
};

export const actionCentre = {
  atRisk: "Customers at risk",
  count: (shown: string, total: string) => (shown === total ? total : `top ${shown} of ${total} by risk`),
  search: "Search customers at risk by name, ID or e-mail",
  customer: "Customer",
  risk: "Risk",
  inactive: "Inactive",
  value: "Lifetime value",
  returnProbability: "Return probability",
  unknown: "Unknown",
  predictedChurn: "Predicted churn",
  predictedBy: {
    history: "Based on how long other customers stayed before they churned",
    deadline: "When the rules will count the customer as lost",
  } as Record<string, string>,
  recommended: "Actions",
  modelUnavailable: (reason: string) => `Return probabilities are not available: ${reason}`,
  empty: "No customers at risk",
  emptyHint:
    "Customers appear here when they reach a stage that means “at risk”, for example after a long time without a visit.",
  noMatches: "No matching customers",
  selected: (shown: string, value: number) => `${customerCount(shown, value)} selected`,
  select: (customer: string) => `Select ${customer}`,
  selectAll: "Select all on this page",
  clearSelection: "Clear selection",
  sort: "Sort by",
  sorts: {
    risk_score: "Risk",
    days_inactive: "Days inactive",
    lifetime_value: "Lifetime value",
    return_probability: "Return probability",
    predicted_churn_date: "Predicted churn",
  },
  bulkTitle: (action: string, shown: string, value: number) => `${action}: ${customerCount(shown, value)}?`,
  bulkText: {
    call: "This creates a call task for each of them.",
    email: "Each of them will get an e-mail. Consent, quiet hours and the weekly limit apply.",
    offer:
      "Each of them will get an offer with a personal code. Consent, quiet hours and the weekly limit apply.",
  },
  bulkConfirm: (action: string, count: string) => `${action} ${count}`,
  bulkProgress: (done: string, total: string) => `${done} of ${total}`,
  bulkDone: (shown: string, value: number) => `Requested for ${customerCount(shown, value)}`,
  bulkFailed: (shown: string, value: number) => `Failed for ${customerCount(shown, value)}`,
  bulkResultHint:
    "Each customer's timeline shows the outcome, for example when consent or quiet hours prevent or delay a message.",
  bulkRetry: "Retry failed",
};

export const tasks = {
  title: "Open tasks",
  none: "No open tasks",
  noneHint: "Tasks appear here when a customer needs a call or a reply, or when you press Call.",
  done: "Done",
  doneOf: (title: string) => `Done: ${title}`,
  completed: (title: string) => `“${title}” marked as done`,
  undo: "Undo",
  reopened: (title: string) => `“${title}” is open again`,
  completionFailed: (title: string) => `“${title}” could not be marked as done`,
  overdue: "Overdue",
  due: (when: string) => `Due ${when}`,
  noDate: "No due date",
  unassigned: "Unassigned",
  assignee: (title: string) => `Assignee: ${title}`,
  assigneeChanged: "Assignee changed",
};

export const stages = {
  lead: "How customers move between stages, and what happens when they do.",
  growth: "Growth stages",
  lapse: "Inactivity stages",
  rule: "Customers move here when",
  noRules: "How customers get here",
  any: "any of these applies",
  entry: "Every journey starts here.",
  manualOnly: "Set manually only.",
  actions: "On entry",
  noActions: "No actions.",
  retention: (days: string) => `Counts as inactive after ${days} without an event.`,
  inactive: "Not in use",
};
