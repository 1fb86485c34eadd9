import { describe, expect, test } from "vitest";
import { describeNextStep } from "../src/format/next-step";
import { describeComparison, describeRules } from "../src/format/rules";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const calm = { held: false, hold_until: null, next_deadline: null, next_stage: null, total_appointments: 3 };
const name = (key: string) => ({ at_risk: "At Risk" })[key] ?? key;

describe("what happens next", () => {
  test("a move, unless an appointment is completed", () => {
    const description = describeNextStep(
      { ...calm, next_deadline: "2026-12-07T12:00:00Z", next_stage: "at_risk" },
      name,
      NOW,
    );
    expect(description).toMatch(
      /^Moves to At Risk in 12 days, on .*2026, unless an appointment is completed before\.$/,
    );
  });

  test("before the first appointment anything may prevent it", () => {
    const ahead = {
      ...calm,
      total_appointments: 0,
      next_deadline: "2026-12-07T12:00:00Z",
      next_stage: "at_risk",
    };
    expect(describeNextStep(ahead, name, NOW)).toContain("unless something happens before");
  });

  test("only the scores", () => {
    const description = describeNextStep({ ...calm, next_deadline: "2026-11-26T12:00:00Z" }, name, NOW);
    expect(description).toMatch(/^Only the scores change tomorrow/);
  });

  test("nothing", () => {
    expect(describeNextStep(calm, name, NOW)).toBe("Nothing will change by itself.");
  });

  test("a hold comes before everything that the rules would do", () => {
    const ahead = { ...calm, next_deadline: "2026-11-26T12:00:00Z", next_stage: "at_risk", held: true };
    expect(describeNextStep(ahead, name, NOW)).toBe("Held in this stage until somebody releases it.");
    const until = { ...ahead, hold_until: "2026-12-05T12:00:00Z" };
    expect(describeNextStep(until, name, NOW)).toMatch(/^The hold ends in 10 days, on /);
  });
});

describe("rules", () => {
  const description = (rules: Parameters<typeof describeRules>[0]["auto_transition_rules"]) =>
    describeRules({ auto_transition_rules: rules }, "EUR");

  test("none, one, several", () => {
    expect(description(null)).toEqual([]);
    expect(description({ trigger: "appointment_completed", conditions: {} })).toEqual([
      "An appointment is completed",
    ]);
    expect(
      description([
        { trigger: "days_since_last_appointment", conditions: { days: ">90" } },
        { trigger: "risk_score", conditions: { risk: ">0.7" } },
      ]),
    ).toEqual(["The last appointment is more than 90 days ago", "The risk score is more than 70%"]);
  });

  test("all conditions of one rule are said", () => {
    expect(
      description({ trigger: "call_received", conditions: { call_duration: ">= 1", open_tickets: "== 0" } }),
    ).toEqual([
      "A call is received, and the call lasts at least 1 second, and open support tickets are exactly 0",
    ]);
    expect(description({ trigger: "lifetime_value", conditions: { value: ">=1000" } })[0]).toMatch(
      /^The lifetime value is at least .*1.000/,
    );
  });

  test("what has no strings is shown as it is", () => {
    expect(description({ trigger: "moon", conditions: { phase: "> 3" } })).toEqual(["Phase more than 3"]);
    expect(description({ trigger: "moon", conditions: { phase: "full" } })).toEqual(["Phase full"]);
  });

  test("what was compared", () => {
    const compared = { fact: "count", is: 3, must_be: ">= 3", holds: true };
    expect(describeComparison(compared, "EUR")).toBe("Completed appointments: 3 (the rule: at least 3)");
    expect(describeComparison({ ...compared, is: null }, "EUR")).toContain("–");
  });
});
