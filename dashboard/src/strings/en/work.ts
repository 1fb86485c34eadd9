import { pluralize } from "./common";

const customerCount = (shown: string, value: number) => pluralize(shown, value, "customer", "customers");

export const outreach = {
  call: "Call",
  email: "E-mail",
  offer: "Offer",
  labelFor: (action: string, customer: string) => `${action}: ${customer}`,
  callRequested: (customer: string) => `Call task created for ${customer}`,
  callIsOpen: (customer: string) => `A call task for ${customer} is already open`,
  showTask: "Show task",
  contactedToday: "Contacted today",
  confirmTitle: {
    email: (customer: string) => `Send this e-mail to ${customer}?`,
    offer: (customer: string) => `Send this offer to ${customer}?`,
  },
  send: { email: "Send e-mail", offer: "Send offer" },
  to: "To",
  subject: "Subject",
  wouldBeSuppressed: (reason: string) => `This message will not be sent: ${reason}`,
  wouldWait: (reason: string, when: string) => `This message will be sent later, on ${when}: ${reason}`,
  willBeSent: {
    email: (customer: string) => `The e-mail to ${customer} will be sent in a few seconds`,
    offer: (customer: string) => `The offer to ${customer} will be sent in a few seconds`,
  },
  undone: {
    email: (customer: string) => `The e-mail to ${customer} was not sent`,
    offer: (customer: string) => `The offer to ${customer} was not sent`,
  },
};

export const actionCentre = {
  titles: {
    at_risk: "Customers at risk",
    high_risk: "Customers at risk or with a high risk score",
    unlikely: "Customers who still come, but are unlikely to return",
  },
  count: (shown: string, total: string, more: boolean) =>
    shown === total ? total : `top ${shown} of ${more ? `more than ${total}` : total}`,
  search: "Search these customers by name, phone, e-mail or ID",
  show: "Show",
  groups: {
    at_risk: () => "At risk",
    high_risk: (limit: string) => `At risk, or risk over ${limit}`,
    unlikely: (limit: string) => `Still coming, return under ${limit}`,
  },
  withLost: "Include customers who have left",
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
  whyOf: (customer: string) => `Why is ${customer} listed?`,
  factorsUnavailable: "The reasons for the risk score could not be loaded.",
  modelUnavailable: (reason: string) => `Return probabilities are not available: ${reason}`,
  empty: {
    at_risk: "No customers at risk",
    high_risk: "No customers at risk or with a high risk score",
    unlikely: "No customers who still come are unlikely to return",
  },
  emptyHint: {
    at_risk:
      "Customers appear here when they reach a stage that means “at risk”, for example after a long time without a visit.",
    high_risk: "Customers appear here when they are at risk, or when their risk score is high.",
    unlikely:
      "Customers appear here when they are more likely to stay away than to return. The probabilities are updated weekly.",
  },
  noMatches: "No matching customers",
  selected: (shown: string, value: number) => `${customerCount(shown, value)} selected`,
  select: (customer: string) => `Select ${customer}`,
  selectAll: "Select all on this page",
  clearSelection: "Clear selection",
  sort: "Sort by",
  sorts: {
    expected_value: "Priority (return probability × value)",
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

/** Why a customer is listed, in words. */
export const reasons = {
  stage: (stage: string, date: string) => `In “${stage}” since ${date}.`,
  lastVisit: (ago: string) => `Last visit ${ago} ago.`,
  neverVisited: (ago: string) => `Never visited; last event ${ago} ago.`,
  factors: (factors: string) => `Risk: ${factors}.`,
  factor: (name: string, because: string, effect: string) => `${name}: ${because} (${effect})`,
  noFactor: "Nothing adds to the risk score.",
  forecast: (share: string, shown: string, visits: number, age: string) =>
    `${share} likely to return within 90 days, after visits on ${pluralize(shown, visits, "day", "days")} in ${age}.`,
  noForecast: "The return probability is unknown and counts as 100%.",
  priority: (share: string, value: string, product: string) => `Priority: ${share} × ${value} = ${product}`,
};

export const tasks = {
  title: "Tasks",
  list: "List of tasks",
  tabs: { open: "Open", mine: "Mine", overdue: "Overdue", done: "Done" },
  lists: { open: "Open tasks", mine: "My tasks", overdue: "Overdue tasks", done: "Completed tasks" },
  none: {
    open: "No open tasks",
    mine: "You have no open tasks",
    overdue: "No overdue tasks",
    done: "No completed tasks",
  },
  noneHint: "Tasks appear here when a customer needs a call or a reply, or when you press Call.",
  yourName: "Your name",
  selectYourself: "Select your name to see the tasks that are assigned to you. This browser remembers it.",
  done: "Done",
  doneOf: (title: string) => `Done: ${title}`,
  completed: (title: string) => `“${title}” marked as done`,
  undo: "Undo",
  reopen: "Reopen",
  reopenOf: (title: string) => `Reopen: ${title}`,
  reopened: (title: string) => `“${title}” is open again`,
  reopeningFailed: (title: string) => `“${title}” could not be reopened`,
  completionFailed: (title: string) => `“${title}” could not be marked as done`,
  finished: {
    open: (when: string) => when,
    done: (when: string) => `Done ${when}`,
    cancelled: (when: string) => `Closed ${when}`,
  },
  closed: (reason: string) => `Closed automatically: ${reason}`,
  move: "Move",
  moveOf: (title: string) => `Move: ${title}`,
  dueTime: "New due time",
  dueTimeMissing: "Enter a time in the future",
  saveMove: "Save date",
  comment: "Comment",
  commentOf: (title: string) => `Comment: ${title}`,
  commentsOf: (title: string) => `Comments: ${title}`,
  commentText: "Comment",
  commentMissing: "Enter a comment",
  saveComment: "Add comment",
  unknownAuthor: "Command line",
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
