/**
 * What rules can be made of: the same facts, triggers, operators and actions as in `journey/rules.py` and
 * `journey/actions.py`. A test compares them.
 */

/** How the number of a fact is entered and shown. */
export type Unit = "money" | "share" | "days" | "seconds" | "times" | "number";

export interface FactKind {
  unit: Unit;
  /** the trigger of a rule that depends on this fact, if there is one */
  trigger?: string;
}

export const FACTS: Readonly<Record<string, FactKind>> = {
  value: { unit: "money", trigger: "lifetime_value" },
  count: { unit: "number", trigger: "appointment_count" },
  days: { unit: "days", trigger: "days_since_last_appointment" },
  risk: { unit: "share", trigger: "risk_score" },
  engagement: { unit: "share" },
  missed_rate: { unit: "share" },
  open_tickets: { unit: "number" },
  overdue_days: { unit: "days", trigger: "overdue_days" },
  overdue_ratio: { unit: "times", trigger: "overdue_ratio" },
  has_rhythm: { unit: "number" },
  call_duration: { unit: "seconds" },
};

/** Triggers of rules that only hold at such an event, and may have no conditions. */
export const EVENT_TRIGGERS = ["call_received", "appointment_requested", "appointment_completed"] as const;

/** The trigger of rules about facts that have none of their own. */
const ANY_TIME = "appointment_count";

export const OPERATORS = [">=", ">", "<=", "<", "=="] as const;

export const ACTIONS = [
  "send_welcome_email",
  "assign_to_sales_team",
  "create_follow_up_task",
  "send_onboarding_sequence",
  "create_feedback_request",
  "update_crm_status",
  "assign_dedicated_manager",
  "send_vip_benefits_email",
  "create_quarterly_review",
  "notify_account_manager",
  "create_retention_campaign",
  "schedule_check_in_call",
] as const;

/** Roles by the kind of stage that can have them. */
export const ROLES = { growth: ["vip"], lapse: ["at_risk", "lost"] } as const;

export function isEventTrigger(trigger: string): boolean {
  return (EVENT_TRIGGERS as readonly string[]).includes(trigger);
}

/** Return the trigger of a rule that holds at any time: the current one while one of its facts belongs to it. */
export function stateTrigger(current: string, facts: readonly string[]): string {
  const triggers = facts.flatMap((fact) => FACTS[fact]?.trigger ?? []);
  if (triggers.includes(current)) return current;
  return triggers[0] ?? (isEventTrigger(current) ? ANY_TIME : current);
}
