/**
 * The bodies of the gateway's answers. Its OpenAPI describes them by examples; `shapes.check.ts` holds these interfaces
 * against them. Instants are RFC 3339 texts, scores 0 to 1, amounts numbers in the company's currency.
 */

export interface Session {
  company: { id: number; name: string; currency: string };
  /** of the key */
  name: string;
  scopes: string[];
  csrf_token: string;
  expires_at: string;
}

export interface Journey {
  customer_id: string;
  current_stage: string;
  stage_name: string;
  stage_entered_at: string;
  previous_stage: string | null;
  days_in_current_stage: number;
  created_at: string;
  lifetime_value: number;
  total_appointments: number;
  last_appointment_at: string | null;
  risk_score: number;
  engagement_score: number;
  days_inactive: number;
  next_deadline: string | null;
  next_stage: string | null;
  held: boolean;
  hold_until: string | null;
}

export interface Relationship extends Journey {
  name: string | null;
  email: string | null;
}

export interface Relationships {
  relationships: Relationship[];
  /** how many match; null on pages with a cursor */
  total?: number | null;
  next_cursor: string | null;
}

export interface JourneyShown extends Journey {
  temporal_url?: string | null;
  name?: string | null;
  email?: string | null;
  phone?: string | null;
  notes?: string | null;
}

export interface Comparison {
  fact: string;
  is: number | null;
  must_be: string;
  holds: boolean;
}

export interface Transition {
  id: number;
  from_stage: string | null;
  from_stage_name: string | null;
  to_stage: string;
  to_stage_name: string;
  transitioned_at: string;
  trigger_type: string;
  trigger_event: string;
  notes: string | null;
  performed_by: number | null;
  reason: { conditions?: Comparison[] } | null;
  event_id: string | null;
}

export interface LedgerEvent {
  id: string;
  type: string;
  occurred_at: string;
  received_at: string;
  outcome: string;
  reason: string | null;
  fields: Record<string, unknown> | null;
}

export interface Timeline {
  journey: JourneyShown;
  transitions: Transition[];
  events: LedgerEvent[];
}

export interface Factor {
  name: string;
  contribution: string;
  because: string;
}

export interface Explanation {
  scores: Record<"risk" | "engagement", { score: string; factors: Factor[] }>;
}

export interface Stage {
  stage_key: string;
  stage_name: string;
  description: string | null;
  color: string | null;
  icon: string | null;
  kind: string;
  auto_transition_rules: Rule | Rule[] | null;
  retention_days: number | null;
  actions: string[];
  is_active: boolean;
}

export interface Rule {
  trigger: string;
  conditions: Record<string, string>;
}

export interface Stages {
  stages: Stage[];
}
