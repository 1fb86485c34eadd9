import { pluralize } from "./common";

/** Labels for keys of the API. Keys without a label are shown in a readable form. */
export const labels: Record<
  "events" | "triggers" | "actions" | "statuses" | "outcomes" | "factors" | "tasks" | "channels",
  Record<string, string>
> = {
  channels: { email: "E-mail", sms: "Text message" },
  events: {
    "call.received": "Call",
    "appointment.requested": "Appointment requested",
    "appointment.completed": "Appointment completed",
    "appointment.missed": "Appointment missed",
    "appointment.cancelled": "Appointment cancelled",
    "payment.adjusted": "Payment adjusted",
    "support_ticket.opened": "Support ticket opened",
    "support_ticket.resolved": "Support ticket resolved",
    "feedback.received": "Feedback",
    "event.retracted": "Retraction",
    "customers.merged": "Merged with another customer",
  },
  triggers: {
    journey_started: "Journey started",
    qualified_call_received: "Qualified call",
    appointment_requested: "Appointment requested",
    appointment_completed: "Appointment completed",
    appointment_count: "Number of appointments reached",
    lifetime_value: "Lifetime value reached",
    days_since_last_appointment: "No recent appointment",
    high_risk_score: "High risk score",
    overdue_days: "Overdue by the customer's rhythm",
    overdue_ratio: "Overdue by the customer's rhythm",
    reactivated: "Customer returned",
    event_retracted: "Event retracted",
    customers_merged: "Customers merged",
    rules_changed: "Rules changed",
    stage_set: "Stage set manually",
    anonymized: "Anonymised",
  },
  actions: {
    stage_changed: "Stage change webhook",
    send_welcome_email: "Welcome e-mail",
    assign_to_sales_team: "Assigned to sales",
    create_follow_up_task: "Follow-up task",
    send_onboarding_sequence: "Onboarding e-mail",
    create_feedback_request: "Feedback request",
    update_crm_status: "CRM status updated",
    assign_dedicated_manager: "Dedicated manager assigned",
    send_vip_benefits_email: "VIP benefits e-mail",
    create_quarterly_review: "Quarterly review",
    notify_account_manager: "Account manager notified",
    create_retention_campaign: "Retention campaign",
    schedule_check_in_call: "Check-in call",
    campaign_email: "Campaign e-mail",
    campaign_sms: "Campaign SMS",
    campaign_call: "Campaign call",
    campaign_offer: "Campaign offer",
    ask_attendance: "Question about a visit",
    centre_call: "Call task created",
    centre_email: "E-mail requested",
    centre_offer: "Offer requested",
  },
  statuses: {
    pending: "Pending",
    waiting: "Waiting",
    succeeded: "Done",
    failed: "Failed",
    suppressed: "Skipped",
    cancelled: "Cancelled",
    open: "Open",
    done: "Done",
    running: "Running",
    completed: "Completed",
    sent: "Sent",
  },
  outcomes: { duplicate: "Duplicate", conflict: "Conflict", quarantined: "Quarantined" },
  factors: {
    inactivity: "Inactivity",
    missed_appointments: "Missed appointments",
    declining_frequency: "Fewer visits than before",
    open_tickets: "Open support tickets",
    overdue_days: "Days overdue by the customer's rhythm",
    overdue_ratio: "Time since the last visit, in usual intervals",
    has_rhythm: "Rhythm known (1 or 0)",
    frequency: "Frequency",
    recency: "Recency",
    money: "Spending",
    interaction: "Interaction",
    rounding: "Rounding",
  },
  tasks: {
    check_in_call: "Check-in call",
    retention_call: "Win-back call",
    personal_call: "Call",
    attendance: "Did they come?",
    follow_up: "Follow-up",
    assignment: "Assignment",
    quarterly_review: "Review",
  },
};

export const deadline = {
  noChange: "No change is scheduled.",
  heldUntilReleased: "Held in this stage until the hold is released.",
  holdEnds: (when: string, date: string) =>
    `The hold ends ${when} (${date}). After that, the rules apply again.`,
  moves: (stage: string, when: string, date: string, unless: string) =>
    `Moves to ${stage} ${when} (${date}), ${unless}.`,
  scores: (when: string, date: string, unless: string) =>
    `Only the scores will change ${when} (${date}), ${unless}.`,
  unlessAppointment: "unless an appointment is completed before then",
  unlessEvent: "unless an event arrives before then",
};

export const rules: {
  events: Record<string, string>;
  facts: Record<string, string>;
  operators: Record<string, string>;
  units: Record<string, (shown: string, value: number) => string>;
  where: string;
  and: string;
} = {
  events: {
    call_received: "a call is received",
    appointment_requested: "an appointment is requested",
    appointment_completed: "an appointment is completed",
  },
  facts: {
    call_duration: "the call lasts",
    count: "the number of completed appointments is",
    appointment_count: "any number of completed appointments",
    value: "the lifetime value is",
    lifetime_value: "any lifetime value",
    days: "the last appointment was",
    days_since_last_appointment: "any time since the last appointment",
    risk: "the risk score is",
    risk_score: "any risk score",
    engagement: "the engagement score is",
    missed_rate: "the share of missed appointments is",
    open_tickets: "the number of open support tickets is",
    overdue_days: "the next visit has been overdue for",
    overdue_ratio: "the time since the last visit is",
    has_rhythm: "the number of known rhythms (1 or 0) is",
  },
  operators: { ">": "more than", ">=": "at least", "<": "less than", "<=": "at most", "==": "exactly" },
  units: {
    call_duration: (shown, value) => pluralize(shown, value, "second", "seconds"),
    days: (shown, value) => `${pluralize(shown, value, "day", "days")} ago`,
    overdue_days: (shown, value) => pluralize(shown, value, "day", "days"),
    overdue_ratio: (shown) => `${shown} times the usual interval`,
  },
  where: " and ",
  and: " and ",
};

/** Labels of facts in the timeline, where a transition lists what its rule compared. */
export const facts: Record<string, string> = {
  call_duration: "Call duration in seconds",
  count: "Completed appointments",
  value: "Lifetime value",
  days: "Days since the last appointment",
  risk: "Risk",
  engagement: "Engagement",
  missed_rate: "Missed appointments",
  open_tickets: "Open support tickets",
};
