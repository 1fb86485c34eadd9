/**
 * Query keys. The first element is the kind of data; for journeys, the second is the customer's id.
 * A change to a customer affects their journey, all lists and all analytics.
 */
export const queryKeys = {
  stages: ["stages"] as const,
  rulesToEdit: ["rules-to-edit"] as const,
  presets: ["presets"] as const,
  ruleVersions: ["rule-versions"] as const,
  rulePreview: (previewId: number | null) => ["rule-preview", previewId] as const,
  previewCustomers: (previewId: number, filter: object) =>
    ["rule-preview", previewId, "customers", filter] as const,
  rollout: (version: number) => ["rollout", version] as const,
  staff: ["staff"] as const,
  customers: (search: object) => ["customers", search] as const,
  journey: (customerId: string) => ["journey", customerId] as const,
  profile: (customerId: string) => ["journey", customerId, "profile"] as const,
  timeline: (customerId: string, kinds: readonly string[]) =>
    ["journey", customerId, "timeline", kinds] as const,
  explanation: (customerId: string) => ["journey", customerId, "explanation"] as const,
  pastExplanation: (customerId: string, asOf: string) =>
    ["journey", customerId, "explanation", asOf] as const,
  whatIf: (customerId: string, assumption: object) => ["journey", customerId, "what-if", assumption] as const,
  sentMessages: (customerId: string) => ["journey", customerId, "messages"] as const,
  messagePreview: (customerId: string, type: string) => ["journey", customerId, "preview", type] as const,
  retractionPreview: (customerId: string, eventId: string) => ["retraction", customerId, eventId] as const,
  mergePreview: (customerId: string, into: string) => ["journey", customerId, "merge", into] as const,
  duplicates: (search: object) => ["duplicates", search] as const,
  appointments: (search: object) => ["appointments", search] as const,
  tasks: (search: object) => ["tasks", search] as const,
  predictions: (query: object) => ["predictions", query] as const,
  callList: (query: object) => ["call-list", query] as const,
  due: (query: object) => ["due", query] as const,
  problems: (search: object) => ["problems", search] as const,
  analytics: (path: string, params: object) => ["analytics", path, params] as const,
};

const LISTS = new Set<unknown>([
  "appointments",
  "customers",
  "duplicates",
  "tasks",
  "predictions",
  "call-list",
  "due",
  "problems",
]);

/** Whether a change to these customers (null: any customer) makes the data of a query key stale. */
export function isAffected(
  key: readonly unknown[],
  scope: "lists" | "analytics",
  customers: ReadonlySet<string> | null,
): boolean {
  if (scope === "analytics") return key[0] === "analytics";
  if (key[0] === "journey") return customers === null || customers.has(String(key[1]));
  return LISTS.has(key[0]);
}
