import { pluralize } from "./common";

const actionCount = (shown: string, value: number) => pluralize(shown, value, "action", "actions");

export const problems = {
  lead: "Messages, tasks and webhooks that failed or were held back.",
  table: "Failed and held-back actions",
  problem: "Problem",
  all: "All",
  hints: {
    failed: "Tried for a day, or refused for good. Nothing more happens unless you try again.",
    failing: "The last attempt failed. The next one follows automatically.",
    waiting: "Held back for now, for example during quiet hours. They continue automatically.",
    suppressed:
      "Held back for a reason such as a missing consent. Try again once the reason no longer applies.",
  },
  withCount: (name: string, count: string) => `${name} (${count})`,
  atLeast: (count: string) => `${count}+`,
  failures: (shown: string, value: number) =>
    pluralize(shown, value, "failed or undelivered action", "failed or undelivered actions"),
  heldBack: (shown: string, value: number) =>
    pluralize(shown, value, "held-back action", "held-back actions"),
  action: "Action",
  anyAction: "All actions",
  status: "Status",
  reason: "Reason",
  updated: "Last change",
  count: actionCount,
  customer: "Customer",
  select: (action: string, customer: string) => `Select ${action}: ${customer}`,
  selectAll: "Select all on this page that can be tried again",
  selected: (shown: string, value: number) => `${actionCount(shown, value)} selected`,
  clearSelection: "Clear selection",
  retry: "Try again",
  retryOf: (action: string, customer: string) => `Try again: ${action}, ${customer}`,
  retryAll: (count: string) => `Try all ${count} again`,
  empty: "No problems",
  emptyHint:
    "Everything that was due has been done. Failed and held-back messages, tasks and webhooks appear here.",
  noMatches: "No matching actions",
  clearFilters: "Show all problems",
};

export const retryDialog = {
  title: (shown: string, value: number) => `Try ${actionCount(shown, value)} again?`,
  collecting: "Collecting the actions…",
  text: "Consent, quiet hours and the weekly limit still apply. An action that has become pointless, because the customer has left the stage, is cancelled.",
  limited: (count: string) => `These are the newest ${count}. Try the others afterwards.`,
  none: "Nothing to try again: the list has changed.",
  confirm: (count: string) => `Try ${count} again`,
  progress: (done: string, total: string) => `${done} of ${total}`,
  done: (shown: string, value: number) =>
    pluralize(shown, value, "action is being tried again", "actions are being tried again"),
  doneHint: "The list shows how each of them ends.",
  failed: (shown: string, value: number) =>
    pluralize(shown, value, "action could not be tried again", "actions could not be tried again"),
  results: "Result of each action",
  result: (action: string, customer: string) => `${action}, ${customer}`,
  retried: "Being tried again",
  notFound: "No longer exists",
  notAttempted: "Not attempted, because an earlier request failed",
  repeat: "Try the others again",
};
