import type { Stage } from "../api/shapes";

export type RiskLevel = "high" | "medium" | "low";
export const RISK_LEVELS: readonly RiskLevel[] = ["high", "medium", "low"];

/** The lowest score of a level, 0 to 1. High is null if no rule of the company depends on the risk score. */
export interface RiskLevels {
  high: number | null;
  medium: number;
}

/** Where medium risk starts unless a rule applies to low scores already. Only for display. */
const MEDIUM = 0.3;
/** Scores have two decimals. */
const STEP = 0.01;
const AT_LEAST = /^\s*(>=?)\s*([0-9.]+)\s*$/;

/** Derive the levels from the company's rules: high is the risk at which a rule moves customers to an inactivity stage. */
export function riskLevelsOf(stages: readonly Pick<Stage, "kind" | "auto_transition_rules">[]): RiskLevels {
  const limits = stages
    .filter((stage) => stage.kind === "lapse")
    .flatMap((stage) => stage.auto_transition_rules ?? [])
    .flatMap(({ conditions }) => lowestScore(conditions.risk));
  if (limits.length === 0) return { high: null, medium: MEDIUM };
  const high = Math.min(...limits);
  return { high, medium: Math.min(MEDIUM, rounded(high / 2)) };
}

export function riskLevel(risk: number, levels: RiskLevels): RiskLevel {
  if (levels.high !== null && risk >= levels.high) return "high";
  return risk >= levels.medium ? "medium" : "low";
}

/** Return the query parameters that select the customers of a level; empty for a level that does not exist. */
export function riskRange(level: RiskLevel, { high, medium }: RiskLevels) {
  switch (level) {
    case "high":
      return high === null ? {} : { min_risk: high };
    case "medium":
      return { min_risk: medium, ...(high === null ? {} : { max_risk: rounded(high - STEP) }) };
    case "low":
      return { max_risk: rounded(medium - STEP) };
  }
}

function lowestScore(condition: string | undefined): number[] {
  const [, operator, limit] = AT_LEAST.exec(condition ?? "") ?? [];
  return limit === undefined ? [] : [operator === ">" ? rounded(Number(limit) + STEP) : Number(limit)];
}

function rounded(score: number): number {
  return Number(score.toFixed(2));
}
