import { describe, expect, test } from "vitest";
import type { Prediction } from "../src/api/types";
import { describeNextStep } from "../src/format/next-step";
import {
  describeFactors,
  describeForecast,
  describePriority,
  describeStage,
} from "../src/format/predictions";
import { describeComparisons, describeRules } from "../src/format/rules";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const idle = { held: false, hold_until: null, next_deadline: null, next_stage: null, total_appointments: 3 };
const name = (key: string) => ({ at_risk: "At Risk" })[key] ?? key;

describe("next step of a journey", () => {
  test("move to a stage, unless an appointment is completed", () => {
    const description = describeNextStep(
      { ...idle, next_deadline: "2026-12-07T12:00:00Z", next_stage: "at_risk" },
      name,
      NOW,
    );
    expect(description).toMatch(
      /^Moves to At Risk in 12 days \(.*2026\), unless an appointment is completed before then\.$/,
    );
  });

  test("before the first appointment, any event may prevent it", () => {
    const ahead = {
      ...idle,
      total_appointments: 0,
      next_deadline: "2026-12-07T12:00:00Z",
      next_stage: "at_risk",
    };
    expect(describeNextStep(ahead, name, NOW)).toContain("unless an event arrives before then");
  });

  test("change of the scores only", () => {
    const description = describeNextStep({ ...idle, next_deadline: "2026-11-26T12:00:00Z" }, name, NOW);
    expect(description).toMatch(/^Only the scores will change tomorrow/);
  });

  test("no change", () => {
    expect(describeNextStep(idle, name, NOW)).toBe("No change is scheduled.");
  });

  test("a hold takes precedence over the rules", () => {
    const ahead = { ...idle, next_deadline: "2026-11-26T12:00:00Z", next_stage: "at_risk", held: true };
    expect(describeNextStep(ahead, name, NOW)).toBe("Held in this stage until the hold is released.");
    const until = { ...ahead, hold_until: "2026-12-05T12:00:00Z" };
    expect(describeNextStep(until, name, NOW)).toMatch(/^The hold ends in 10 days \(/);
  });
});

describe("rules", () => {
  const description = (rules: Parameters<typeof describeRules>[0]["auto_transition_rules"]) =>
    describeRules({ auto_transition_rules: rules }, "EUR");

  test("no rule, one rule, several rules", () => {
    expect(description(null)).toEqual([]);
    expect(description({ trigger: "appointment_completed", conditions: {} })).toEqual([
      "An appointment is completed",
    ]);
    expect(
      description([
        { trigger: "days_since_last_appointment", conditions: { days: ">90" } },
        { trigger: "risk_score", conditions: { risk: ">0.7" } },
      ]),
    ).toEqual(["The last appointment was more than 90 days ago", "The risk score is more than 70%"]);
  });

  test("all conditions of a rule are described", () => {
    expect(
      description({ trigger: "call_received", conditions: { call_duration: ">= 1", open_tickets: "== 0" } }),
    ).toEqual([
      "A call is received and the call lasts at least 1 second and the number of open support tickets is exactly 0",
    ]);
    expect(description({ trigger: "lifetime_value", conditions: { value: ">=1000" } })[0]).toMatch(
      /^The lifetime value is at least .*1.000/,
    );
  });

  test("conditions without a phrase are shown unchanged", () => {
    expect(description({ trigger: "moon", conditions: { phase: "> 3" } })).toEqual(["Phase more than 3"]);
    expect(description({ trigger: "moon", conditions: { phase: "full" } })).toEqual(["Phase full"]);
  });

  test("comparison in a transition", () => {
    const comparison = { fact: "count", is: 3, must_be: ">= 3", holds: true };
    expect(describeComparisons([comparison], "EUR")).toEqual([
      "Completed appointments: 3 (required: at least 3)",
    ]);
  });

  test("facts that were unknown are left out", () => {
    const call = { fact: "call_duration", is: null, must_be: "> 60", holds: true };
    expect(describeComparisons([call], "EUR")).toEqual([]);
  });

  test("the instant after a threshold of days", () => {
    const days = { fact: "days", is: 90, must_be: "> 90", holds: true };
    expect(describeComparisons([days], "EUR")).toEqual(["More than 90 days since the last visit"]);
    expect(describeComparisons([{ ...days, is: 90.000000000006 }], "EUR")).toEqual([
      "More than 90 days since the last visit",
    ]);
    expect(describeComparisons([{ ...days, is: 91.5 }], "EUR")).toEqual([
      "Days since the last appointment: 91.5 (required: more than 90)",
    ]);
  });

  test("a value close to its limit is not rounded to it", () => {
    const missed = { fact: "missed_rate", is: 0.2041, must_be: "> 0.2", holds: true };
    expect(describeComparisons([missed], "EUR")).toEqual([
      "Missed appointments: 20.41% (required: more than 20%)",
    ]);
    const days = { fact: "days", is: 90.04, must_be: ">= 90", holds: true };
    expect(describeComparisons([days], "EUR")).toEqual([
      "Days since the last appointment: 90.04 (required: at least 90)",
    ]);
    const short = { fact: "days", is: 89.999999999994, must_be: "< 90", holds: true };
    expect(describeComparisons([short], "EUR")).toEqual([
      "Days since the last appointment: just under 90 (required: less than 90)",
    ]);
    const kept = { fact: "days", is: 90.000000000006, must_be: "<= 90", holds: false };
    expect(describeComparisons([kept], "EUR")).toEqual([
      "Days since the last appointment: just over 90 (required: at most 90)",
    ]);
  });
});

describe("why a customer is listed", () => {
  const row = {
    stage_name: "At Risk",
    stage_entered_at: "2026-11-03T12:00:00Z",
    last_appointment_at: null,
    days_inactive: 1,
    lifetime_value: 129.5,
    expected_value: 129.5,
    return_probability: null,
    inputs: null,
  } as Prediction;

  test("without a visit or a model", () => {
    expect(describeStage(row)).toMatch(/^In “At Risk” since .*2026\. Never visited; last event 1 day ago\.$/);
    expect(describeForecast(row)).toBe("The return probability is unknown and counts as 100%.");
    expect(describePriority(row, "EUR")).toBe("Priority: 100% × €129.50 = €129.50");
  });

  test("factors with one name are one reason; those without an effect are left out", () => {
    const factor = (name: string, contribution: string, because: string) => ({ name, contribution, because });
    const factors = [
      factor("inactivity", "0.3", "above 60 days"),
      factor("inactivity", "0.3", "above 90 days"),
      factor("missed_appointments", "0", "0 of 1 appointment missed"),
      factor("open_tickets", "0.2", "2 open tickets"),
    ];
    expect(describeFactors(factors)).toBe(
      "Risk: Inactivity: above 90 days (+60%); Open support tickets: 2 open tickets (+20%).",
    );
    expect(describeFactors(factors.slice(2, 3))).toBe("Nothing adds to the risk score.");
  });
});
