import type { Scoring } from "../api/types";

export type RiskLevel = "high" | "medium" | "low";
export const RISK_LEVELS: readonly RiskLevel[] = ["high", "medium", "low"];

/** The lowest score of a level, 0 to 1. */
export interface RiskLevels {
  high: number;
  medium: number;
}

/** Where medium risk starts, unless high risk starts low. Only for display. */
const MEDIUM = 0.3;
/** Scores have two decimals. */
const STEP = 0.01;

/** Derive the levels from the company's scoring settings: scores above `high_risk` are high. */
export function riskLevelsOf({ high_risk }: Pick<Scoring, "high_risk">): RiskLevels {
  const high = rounded(Number(high_risk) + STEP);
  return { high, medium: Math.min(MEDIUM, rounded(high / 2)) };
}

export function riskLevel(risk: number, { high, medium }: RiskLevels): RiskLevel {
  if (risk >= high) return "high";
  return risk >= medium ? "medium" : "low";
}

/** Return the query parameters that select the customers of a level. */
export function riskRange(level: RiskLevel, { high, medium }: RiskLevels) {
  switch (level) {
    case "high":
      return { min_risk: high };
    case "medium":
      return { min_risk: medium, max_risk: rounded(high - STEP) };
    case "low":
      return { max_risk: rounded(medium - STEP) };
  }
}

function rounded(score: number): number {
  return Number(score.toFixed(2));
}
