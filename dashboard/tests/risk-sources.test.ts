import { describe, expect, test } from "vitest";
import type { NoShowModel } from "../src/api/types";
import { riskSources } from "../src/views/appointments/risk-sources";

function model(method: NoShowModel["method"], brier: number): NoShowModel {
  const rest = { auc: 0.6, calibration_error: 0.02 };
  return {
    method,
    outcomes: 900,
    misses: 90,
    reason: null,
    fitted_at: "2026-03-02T03:00:00Z",
    comparison: { "company rate": { ...rest, brier: 0.1 }, [method]: { ...rest, brier } },
  };
}

describe("where the risk of a no-show comes from", () => {
  test("a model names by how much it is better, never by 0%", () => {
    expect(riskSources(model("own rate and lead time", 0.08))[1]).toContain("20% smaller");
    expect(riskSources(model("own rate and lead time", 0.099))[1]).toContain("1% smaller");
    expect(riskSources(model("own rate and lead time", 0.0999))[1]).toContain("hardly better");
  });

  test("a model that is equal or worse is called no better", () => {
    for (const error of [0.1, 0.12]) {
      const text = riskSources(model("own rate and lead time", error)).join(" ");
      expect(text).toContain("no better than your company’s rate");
      expect(text).not.toContain("smaller");
    }
  });

  test("where nothing is better than the company's rate, that rate is used", () => {
    const text = riskSources(model("company rate", 0.1)).join(" ");
    expect(text).toContain("that rate is used and everybody has the same risk");
    expect(text).not.toContain("smaller");
  });
});
