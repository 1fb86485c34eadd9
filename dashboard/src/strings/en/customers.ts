import { pluralize } from "./common";

export const customers = {
  search: "Search by name, ID or e-mail",
  stage: "Stage",
  anyStage: "All stages",
  risk: "Risk",
  anyRisk: "All risk levels",
  risks: {
    high: (limit: string) => `High (over ${limit})`,
    medium: (from: string, to: string) => `Medium (${from} to ${to})`,
    low: (limit: string) => `Low (under ${limit})`,
  },
  sort: "Sort by",
  sorts: {
    risk: "Highest risk",
    name: "Name",
    days_inactive: "Longest inactive",
    lifetime_value: "Highest lifetime value",
    last_appointment_at: "Latest appointment",
    stage_entered_at: "Latest stage change",
    next_deadline: "Next deadline",
  },
  customer: "Customer",
  inactive: "Inactive",
  value: "Lifetime value",
  appointments: "Appointments",
  lastAppointment: "Last appointment",
  never: "Never",
  table: "Customers",
  count: (shown: string, value: number) => pluralize(shown, value, "customer", "customers"),
  noMatches: "No matching customers",
  noMatchesHint: "Try a shorter search or remove a filter.",
  clearFilters: "Clear all filters",
  empty: "No customers yet",
  emptyHint:
    "Customers appear here with their first event. Send events to POST /v1/events, or run ./run import FILE.",
  apiDocs: "API documentation",
};
