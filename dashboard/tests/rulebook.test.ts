import { expect, test } from "vitest";
import type { Scoring, Stage } from "../src/api/types";
import { describeDifferences } from "../src/rulebook/differences";
import { type Draft, keysOf, type Rulebook, toDraft, toRulebook } from "../src/rulebook/draft";
import {
  addCondition,
  addRule,
  addStage,
  changeCondition,
  changeOccasion,
  changeStage,
  moveStage,
  removeStage,
  startHistory,
  stepHistory,
} from "../src/rulebook/edits";
import { fromShown, isNumber, toShown } from "../src/rulebook/numbers";
import { draftProblems, serverProblems, stillThere } from "../src/rulebook/problems";
import { SCORING_UNITS, sentenceParts } from "../src/rulebook/scoring-fields";
import { ruleStrings } from "../src/strings/rules";
import { compareMoves } from "../src/views/stages/preview/compare-moves";

const SCORING: Scoring = {
  high_risk: "0.7",
  booking_grace_hours: 48,
  risk_inactive_days: [60, 90],
  risk_inactive_weights: ["0.3", "0.3"],
  risk_missed_rate: "0.2",
  risk_missed_weight: "0.2",
  risk_trend: "-0.3",
  risk_trend_weight: "0.2",
  risk_open_tickets: 2,
  risk_tickets_weight: "0.2",
  engagement_frequency_weight: "0.3",
  engagement_recency_weight: "0.3",
  engagement_money_weight: "0.2",
  engagement_interaction_weight: "0.2",
  engagement_full_frequency: 6,
  engagement_full_value: "1000",
  recency_days: [30, 60, 90, 180],
  recency_scores: ["1", "0.75", "0.5", "0.25", "0"],
};

function stage(key: string, fields: Partial<Stage> = {}): Stage {
  return {
    stage_key: key,
    stage_name: key.charAt(0).toUpperCase() + key.slice(1),
    description: null,
    order_index: 1,
    color: "#60A5FA",
    icon: "user",
    kind: "growth",
    role: null,
    auto_transition_rules: null,
    retention_days: null,
    actions: [],
    is_active: true,
    ...fields,
  };
}

const BOOK: Rulebook = {
  scoring: SCORING,
  stages: [
    stage("prospect"),
    stage("lead", {
      order_index: 2,
      auto_transition_rules: [
        { trigger: "call_received", conditions: { call_duration: ">60" } },
        { trigger: "appointment_requested", conditions: [] },
      ],
    }),
    stage("vip", {
      order_index: 3,
      role: "vip",
      auto_transition_rules: { trigger: "lifetime_value", conditions: { value: ">=1000" } },
      actions: ["send_vip_benefits_email"],
    }),
    stage("at_risk", {
      order_index: 4,
      kind: "lapse",
      role: "at_risk",
      auto_transition_rules: [
        { trigger: "days_since_last_appointment", conditions: { days: ">90" } },
        { trigger: "risk_score", conditions: { risk: ">0.7" } },
      ],
    }),
    stage("old", { order_index: 9, is_active: false }),
  ],
};

const draft = toDraft(BOOK);

function part(from: Draft, name: string) {
  const found = from.stages.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

function withNumber(from: Draft, name: string, number: string, rule = 0): Draft {
  const { id, rules } = part(from, name);
  const { id: ruleId, conditions } = rules[rule] ?? { id: "", conditions: [] };
  return changeCondition(from, id, ruleId, conditions[0]?.id ?? "", { number });
}

function differences(changed: Draft): string[] {
  return describeDifferences(BOOK, toRulebook(changed), "EUR");
}

test("a draft that was not edited means the same", () => {
  const { stages, scoring } = toRulebook(draft);
  expect(scoring).toEqual(SCORING);
  expect(stages.map((one) => one.stage_key)).toEqual(["prospect", "lead", "vip", "at_risk"]);
  expect(stages[2]?.auto_transition_rules).toEqual([
    { trigger: "lifetime_value", conditions: { value: ">=1000" } },
  ]);
  expect(stages[3]?.auto_transition_rules).toEqual(BOOK.stages[3]?.auto_transition_rules);
  expect(draftProblems(draft)).toEqual([]);
  expect(differences(draft)).toEqual([]);
});

test("shares are entered as percentages, and a decimal comma is accepted", () => {
  expect(toShown("0.07", "share")).toBe("7");
  expect(fromShown("7,5", "share")).toBe("0.075");
  expect(fromShown("-30", "share")).toBe("-0.3");
  expect(fromShown(" 2,5 ", "times")).toBe("2.5");
  expect(differences(withNumber(draft, "Vip", "01000"))).toEqual([]);
  expect(isNumber("1 000", "money")).toBe(false);
  expect(isNumber("", "number")).toBe(false);
});

test("differences are sentences", () => {
  expect(differences(withNumber(draft, "Vip", "500"))).toEqual([
    "Vip: “the lifetime value is at least €1,000.00” becomes “the lifetime value is at least €500.00”.",
  ]);
  expect(differences(withNumber(draft, "At_risk", "80", 1))).toEqual([
    "At_risk: “the risk score is more than 70%” becomes “the risk score is more than 80%”.",
  ]);
  expect(differences(removeStage(draft, part(draft, "Lead").id))).toEqual(["Lead is removed."]);
  expect(
    differences(changeStage(draft, part(draft, "Vip").id, { name: "Gold", actions: [], role: null })),
  ).toEqual([
    "Vip is renamed to Gold.",
    "Gold has no particular meaning in lists and figures any more.",
    "Gold: no more “VIP benefits e-mail”.",
  ]);
  expect(differences(moveStage(draft, part(draft, "Vip").id, part(draft, "Lead").id))).toEqual([
    "The order of the growth stages is now: Prospect, Vip, Lead.",
  ]);
  const scored = { ...draft, scoring: { ...draft.scoring, "risk_inactive_days.0": "45" } };
  expect(differences(scored)).toEqual([
    "Scores: “add 30% after 60 days without an appointment” becomes “add 30% after 45 days without an appointment”.",
  ]);
  const added = addStage(draft, "lapse", { name: "Paused", color: "#60A5FA", icon: "user" });
  expect(differences(added)).toEqual(["New inactivity stage Paused, set manually."]);
});

test("every setting of the scores is in exactly one sentence", () => {
  const sentences = Object.values(ruleStrings.scoringSentences).flatMap((group) => group.sentences);
  const paths = sentences.flatMap((one) =>
    sentenceParts(one).flatMap((each) => ("path" in each ? each.path : [])),
  );
  expect(paths.sort()).toEqual(Object.keys(SCORING_UNITS).sort());
});

test("new stages get keys from their names", () => {
  const added = addStage(addStage(draft, "growth", { name: "Prospect" }), "growth", {
    name: "Über 50 Gäste",
  });
  expect(keysOf(added.stages)).toEqual(["prospect", "lead", "vip", "prospect_2", "uber_50_gaste", "at_risk"]);
});

test("the trigger of a rule follows its facts", () => {
  const { id, rules } = part(draft, "Vip");
  const rule = rules[0]?.id ?? "";
  const condition = rules[0]?.conditions[0]?.id ?? "";
  const rule0 = (changed: Draft) => toRulebook(changed).stages[2]?.auto_transition_rules;
  const counted = changeCondition(draft, id, rule, condition, { fact: "count", sign: ">=" });
  expect(draftProblems(counted).map(({ problem }) => problem)).toEqual(["Enter a number."]);
  const three = changeCondition(counted, id, rule, condition, { number: "3" });
  expect(rule0(three)).toEqual([{ trigger: "appointment_count", conditions: { count: ">=3" } }]);
  const event = changeOccasion(three, id, rule, "call_received");
  expect(rule0(event)).toEqual([{ trigger: "call_received", conditions: { count: ">=3" } }]);
  expect(part(addCondition(event, id, rule), "Vip").rules[0]?.conditions[1]?.fact).toBe("call_duration");
  expect(rule0(changeOccasion(event, id, rule, null))).toEqual(rule0(three));
});

test("a role is dropped with the kind that it belongs to", () => {
  const changed = changeStage(draft, part(draft, "At_risk").id, { kind: "growth" });
  expect(part(changed, "At_risk").role).toBeNull();
  expect(changed.stages.map((one) => one.name)).toEqual(["Prospect", "Lead", "Vip", "At_risk"]);
});

test("mistakes are found at their fields", () => {
  const { id } = part(draft, "Vip");
  const problems = draftProblems(
    changeStage(withNumber(draft, "Vip", "many"), part(draft, "Lead").id, {
      name: " vip ",
      retentionDays: "0",
    }),
  );
  const lead = part(draft, "Lead").id;
  const condition = part(draft, "Vip").rules[0]?.conditions[0]?.id;
  expect(problems.map(({ field }) => field)).toEqual([
    `${lead}.name`,
    `${lead}.retentionDays`,
    `${id}.name`,
    condition,
  ]);
  const one = { ...draft, stages: draft.stages.slice(3) };
  expect(draftProblems(one).map(({ problem }) => problem)).toEqual([
    "Use 2 to 12 stages.",
    "At least one growth stage is required.",
  ]);
});

test("the API's problems are shown at their fields until those change", () => {
  const { id, rules } = part(draft, "At_risk");
  const found = serverProblems(
    [
      { field: "stages[3].auto_transition_rules[1].conditions.risk", problem: "a" },
      { field: "stages[3].auto_transition_rules[0].trigger", problem: "b" },
      { field: "stages[3].color", problem: "c" },
      { field: "stages", problem: "d" },
      { field: "scoring.engagement_*_weight", problem: "e" },
      { field: "scoring.recency_days", problem: "f" },
    ],
    draft,
  );
  expect(found.map(({ field }) => field)).toEqual([
    rules[1]?.conditions[0]?.id,
    rules[0]?.id,
    `${id}.color`,
    "stages",
    "scoring.engagement_frequency_weight",
    "scoring.recency_days.0",
  ]);
  expect(stillThere(found, draft)).toHaveLength(6);
  const moved = moveStage(draft, part(draft, "Vip").id, part(draft, "Lead").id);
  expect(stillThere(found, moved).map(({ problem }) => problem)).toEqual(["a", "b", "c", "e", "f"]);
  const corrected = withNumber(draft, "At_risk", "75", 1);
  expect(stillThere(found, corrected).map(({ problem }) => problem)).toEqual(["b", "c", "e", "f"]);
  const weights = { ...draft, scoring: { ...draft.scoring, engagement_money_weight: "10" } };
  expect(stillThere(found, weights).map(({ problem }) => problem)).not.toContain("e");
});

test("typing in one field is undone at once", () => {
  let history = startHistory(draft);
  for (const number of ["5", "50", "500"])
    history = stepHistory(history, {
      type: "change",
      change: (one) => withNumber(one, "Vip", number),
      field: "x",
    });
  history = stepHistory(history, { type: "change", change: (one) => addRule(one, part(one, "Vip").id) });
  expect(history.past).toHaveLength(2);
  history = stepHistory(stepHistory(history, { type: "undo" }), { type: "undo" });
  expect(history.present).toBe(draft);
  history = stepHistory(history, { type: "redo" });
  expect(differences(history.present)[0]).toContain("€500.00");
});

test("moves under both rules are compared, the largest difference first", () => {
  const old = [
    { from: null, to: "prospect", count: 9 },
    { from: "prospect", to: "lead", count: 5 },
  ];
  const changed = [
    { from: null, to: "prospect", count: 9 },
    { from: "prospect", to: "vip", count: 7 },
  ];
  expect(compareMoves(old, changed)).toEqual([
    { from: "prospect", to: "vip", old: 0, changed: 7 },
    { from: "prospect", to: "lead", old: 5, changed: 0 },
    { from: null, to: "prospect", old: 9, changed: 9 },
  ]);
});
