import type { Unit } from "./vocabulary";

/** The settings of the scores by path; those that are lists have one path for each number. */
export const SCORING_UNITS: Readonly<Record<string, Unit>> = {
  high_risk: "share",
  booking_grace_hours: "number",
  "risk_inactive_days.0": "days",
  "risk_inactive_days.1": "days",
  "risk_inactive_weights.0": "share",
  "risk_inactive_weights.1": "share",
  risk_missed_rate: "share",
  risk_missed_weight: "share",
  risk_trend: "share",
  risk_trend_weight: "share",
  risk_open_tickets: "number",
  risk_tickets_weight: "share",
  engagement_frequency_weight: "share",
  engagement_recency_weight: "share",
  engagement_money_weight: "share",
  engagement_interaction_weight: "share",
  engagement_full_frequency: "number",
  engagement_full_value: "money",
  "recency_days.0": "days",
  "recency_days.1": "days",
  "recency_days.2": "days",
  "recency_days.3": "days",
  "recency_scores.0": "share",
  "recency_scores.1": "share",
  "recency_scores.2": "share",
  "recency_scores.3": "share",
  "recency_scores.4": "share",
};

/** The settings that are whole numbers. */
export function isWhole(path: string): boolean {
  const unit = SCORING_UNITS[path];
  return unit === "days" || unit === "number";
}

export type SentencePart = { text: string } | { path: string };

/** Split a sentence such as "after {risk_inactive_days.0} days" into its texts and fields. */
export function sentenceParts(sentence: string): SentencePart[] {
  return sentence
    .split(/\{([a-z0-9_.]+)\}/)
    .map((part, index) => (index % 2 === 1 ? { path: part } : { text: part.trim() }))
    .filter((part) => !("text" in part) || part.text !== "");
}
