/** The bodies of answers about actions, tasks and figures; see `shapes.ts`. */

export interface Action {
  id: number;
  customer_id: string;
  customer_name: string | null;
  action: string;
  stage: string | null;
  status: string;
  reason: string | null;
  last_error: string | null;
  attempts: number;
  due_at: string;
  created_at: string;
  updated_at: string;
  done_at: string | null;
  detail: Record<string, unknown>;
}

export interface Actions {
  actions: Action[];
  next_cursor: string | null;
}

export interface Task {
  id: number;
  customer_id: string;
  customer_name: string | null;
  current_stage: string;
  kind: string;
  title: string;
  status: string;
  assigned_to: number | null;
  staff_name: string | null;
  due_at: string | null;
  overdue: boolean;
  created_at: string;
  done_at: string | null;
  note: string | null;
}

export interface Tasks {
  tasks: Task[];
  next_cursor: string | null;
}

export interface Staff {
  staff: { id: number; name: string; role: string; is_active: boolean; open_tasks: number }[];
}

export interface FunnelStep {
  stage: string;
  customers: number;
  percentage: number;
  conversionRate: number;
}

export interface SankeyData {
  nodes: { id: string; step: number; stage: string }[];
  links: { source: string; target: string; count: number }[];
}

export interface JourneyAnalytics {
  as_of: string;
  total_customers: number;
  at_risk_count: number;
  at_risk_percentage: number;
  vip_count: number;
  vip_percentage: number;
  avg_lifetime_value: number;
  funnel_data: FunnelStep[];
  transitions: { from: string | null; to: string; count: number }[];
  stage_times: Record<string, number>;
  distribution: Record<string, number>;
  sankey?: SankeyData;
}

export interface StageMetric {
  metric_date: string;
  stage: string;
  customer_count: number;
  avg_time_in_stage: number | null;
  conversion_rate: number | null;
  revenue: number;
}

export interface StageMetrics {
  stage_metrics: StageMetric[];
}

export interface Prediction {
  customer_id: string;
  name: string | null;
  email: string | null;
  current_stage: string;
  stage_name: string;
  risk_score: number;
  days_inactive: number;
  lifetime_value: number;
  last_appointment_at: string | null;
  predicted_churn_date: string | null;
  predicted_by: string | null;
  retention_actions: { type: string; priority: string; description: string }[];
  /** 0 to 1; null where the model knows too little of the customer, or there is none */
  return_probability?: number | null;
  expected_appointments?: number | null;
}

export interface Predictions {
  total: number;
  predictions: Prediction[];
  /** the model of return probabilities; with a reason where there is none */
  model?: { reason?: string | null } | null;
}
