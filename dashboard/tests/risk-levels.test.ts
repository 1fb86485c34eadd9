import { describe, expect, test } from "vitest";
import { riskLevel, riskLevelsOf, riskRange } from "../src/format/risk-levels";

describe("risk levels", () => {
  test("follow the company's scoring settings", () => {
    expect(riskLevelsOf({ high_risk: "0.7" })).toEqual({ high: 0.71, medium: 0.3 });
    expect(riskLevelsOf({ high_risk: "0.4" })).toEqual({ high: 0.41, medium: 0.2 });
  });

  test("cover all scores without overlapping", () => {
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
