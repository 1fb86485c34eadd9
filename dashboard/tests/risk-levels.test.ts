import { describe, expect, test } from "vitest";
import type { Stage } from "../src/api/shapes";
import { riskLevel, riskLevelsOf, riskRange } from "../src/format/risk-levels";

const lapse = (...conditions: Record<string, string>[]): Pick<Stage, "kind" | "auto_transition_rules"> => ({
  kind: "lapse",
  auto_transition_rules: conditions.map((condition) => ({ trigger: "risk_score", conditions: condition })),
});

describe("risk levels", () => {
  test("high is the lowest score at which a rule moves customers to an inactivity stage", () => {
    expect(riskLevelsOf([lapse({ days: ">90" }, { risk: ">0.7" }), lapse({ risk: ">= 0.9" })])).toEqual({
      high: 0.71,
      medium: 0.3,
    });
    expect(riskLevelsOf([lapse({ risk: ">=0.5" })])).toEqual({ high: 0.5, medium: 0.25 });
  });

  test("there is no high level without such a rule", () => {
    const growth = { kind: "growth", auto_transition_rules: { trigger: "x", conditions: { risk: ">0.1" } } };
    expect(riskLevelsOf([growth, lapse({ days: ">90" }, { risk: "<0.2" })])).toEqual({
      high: null,
      medium: 0.3,
    });
    expect(riskLevel(1, { high: null, medium: 0.3 })).toBe("medium");
    expect(riskRange("medium", { high: null, medium: 0.3 })).toEqual({ min_risk: 0.3 });
    expect(riskRange("high", { high: null, medium: 0.3 })).toEqual({});
  });

  test("levels cover all scores without overlapping", () => {
    const levels = { high: 0.71, medium: 0.3 };
    expect([0, 0.29, 0.3, 0.7, 0.71, 1].map((risk) => riskLevel(risk, levels))).toEqual([
      "low",
      "low",
      "medium",
      "medium",
      "high",
      "high",
    ]);
    expect(riskRange("low", levels)).toEqual({ max_risk: 0.29 });
    expect(riskRange("medium", levels)).toEqual({ min_risk: 0.3, max_risk: 0.7 });
    expect(riskRange("high", levels)).toEqual({ min_risk: 0.71 });
  });
});
