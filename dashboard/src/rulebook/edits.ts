/** Changes of a draft, and the history that undoes them. */
import type { Draft, DraftCondition, DraftRule, DraftStage } from "./draft";
import { inOrder, newId } from "./draft";
import { FACTS, isEventTrigger, ROLES, stateTrigger } from "./vocabulary";

const COLOURS = ["#60A5FA", "#34D399", "#8B5CF6", "#F59E0B", "#EC4899", "#14B8A6", "#EF4444", "#94A3B8"];

export function changeStage(draft: Draft, id: string, change: Partial<DraftStage>): Draft {
  const stages = draft.stages.map((stage) => (stage.id === id ? withKind({ ...stage, ...change }) : stage));
  return { ...draft, stages: "kind" in change ? inOrder(stages) : stages };
}

/** A role belongs to one kind of stage. */
function withKind(stage: DraftStage): DraftStage {
  const allowed: readonly (string | null)[] = [null, ...ROLES[stage.kind]];
  return allowed.includes(stage.role) ? stage : { ...stage, role: null };
}

export function addStage(draft: Draft, kind: DraftStage["kind"], stage: Partial<DraftStage> = {}): Draft {
  const added: DraftStage = {
    id: newId(),
    key: null,
    name: "",
    description: "",
    color: unusedColour(draft),
    icon: "flag",
    role: null,
    rules: [],
    retentionDays: "",
    actions: [],
    ...stage,
    kind,
  };
  return { ...draft, stages: inOrder([...draft.stages, added]) };
}

function unusedColour(draft: Draft): string {
  const used = new Set(draft.stages.map((stage) => stage.color?.toUpperCase()));
  return COLOURS.find((colour) => !used.has(colour)) ?? "#64748B";
}

export function removeStage(draft: Draft, id: string): Draft {
  return { ...draft, stages: draft.stages.filter((stage) => stage.id !== id) };
}

/** Move a stage to the place of another one. */
export function moveStage(draft: Draft, id: string, toPlaceOf: string): Draft {
  const stages = [...draft.stages];
  const from = stages.findIndex((stage) => stage.id === id);
  const to = stages.findIndex((stage) => stage.id === toPlaceOf);
  const [moved] = stages.splice(from, 1);
  if (moved === undefined || to < 0) return draft;
  stages.splice(to, 0, moved);
  return { ...draft, stages };
}

function changeRules(draft: Draft, id: string, change: (rules: readonly DraftRule[]) => DraftRule[]): Draft {
  const stages = draft.stages.map((stage) =>
    stage.id === id ? { ...stage, rules: change(stage.rules) } : stage,
  );
  return { ...draft, stages };
}

/** Add a rule: about lifetime value for a growth stage, about inactivity for a lapse stage. */
export function addRule(draft: Draft, stageId: string): Draft {
  const kind = draft.stages.find((stage) => stage.id === stageId)?.kind;
  const condition = kind === "lapse" ? newCondition("days", ">") : newCondition("value", ">=");
  const trigger = stateTrigger("", [condition.fact]);
  return changeRules(draft, stageId, (rules) => [
    ...rules,
    { id: newId(), trigger, conditions: [condition] },
  ]);
}

export function removeRule(draft: Draft, stageId: string, ruleId: string): Draft {
  return changeRules(draft, stageId, (rules) => rules.filter((rule) => rule.id !== ruleId));
}

function changeRule(draft: Draft, stageId: string, ruleId: string, change: (rule: DraftRule) => DraftRule) {
  return changeRules(draft, stageId, (rules) =>
    rules.map((rule) => (rule.id === ruleId ? withTrigger(change(rule)) : rule)),
  );
}

function withTrigger(rule: DraftRule): DraftRule {
  if (isEventTrigger(rule.trigger)) return rule;
  const facts = rule.conditions.map((condition) => condition.fact);
  return { ...rule, trigger: stateTrigger(rule.trigger, facts) };
}

/** Let a rule hold only at an event, or (null) at any time. */
export function changeOccasion(draft: Draft, stageId: string, ruleId: string, event: string | null): Draft {
  return changeRule(draft, stageId, ruleId, (rule) => {
    if (event !== null) return { ...rule, trigger: event };
    const conditions = rule.conditions.length > 0 ? rule.conditions : [newCondition("value", ">=")];
    return {
      ...rule,
      conditions,
      trigger: stateTrigger(
        "",
        conditions.map(({ fact }) => fact),
      ),
    };
  });
}

export function addCondition(draft: Draft, stageId: string, ruleId: string): Draft {
  return changeRule(draft, stageId, ruleId, (rule) => {
    const [fact] = unusedFacts(rule);
    return fact === undefined
      ? rule
      : { ...rule, conditions: [...rule.conditions, newCondition(fact, ">=")] };
  });
}

/** Return the facts that a rule does not compare yet. A rule can compare each once. */
export function unusedFacts(rule: DraftRule): string[] {
  const used = new Set(rule.conditions.map((condition) => condition.fact));
  const facts = Object.keys(FACTS).filter((fact) => !used.has(fact));
  const isCall = rule.trigger === "call_received" || rule.trigger === "appointment_requested";
  return isCall ? facts.sort((a, b) => Number(b === "call_duration") - Number(a === "call_duration")) : facts;
}

export function changeCondition(
  draft: Draft,
  stageId: string,
  ruleId: string,
  conditionId: string,
  change: Partial<DraftCondition>,
): Draft {
  return changeRule(draft, stageId, ruleId, (rule) => ({
    ...rule,
    conditions: rule.conditions.map((one) => (one.id === conditionId ? changed(one, change) : one)),
  }));
}

/** A number of one unit means nothing in another. */
function changed(condition: DraftCondition, change: Partial<DraftCondition>): DraftCondition {
  const next = { ...condition, ...change };
  return FACTS[next.fact]?.unit === FACTS[condition.fact]?.unit ? next : { ...next, number: "" };
}

export function removeCondition(draft: Draft, stageId: string, ruleId: string, conditionId: string): Draft {
  return changeRule(draft, stageId, ruleId, (rule) => ({
    ...rule,
    conditions: rule.conditions.filter((condition) => condition.id !== conditionId),
  }));
}

function newCondition(fact: string, sign: string): DraftCondition {
  return { id: newId(), fact, sign, number: "" };
}

export interface History {
  past: readonly Draft[];
  present: Draft;
  future: readonly Draft[];
  /** the field of the last change: further typing in it is one change */
  field: string | null;
}

export type HistoryStep =
  | { type: "change"; change: (draft: Draft) => Draft; field?: string | undefined }
  | { type: "undo" | "redo" }
  | { type: "start"; draft: Draft };

export function startHistory(draft: Draft): History {
  return { past: [], present: draft, future: [], field: null };
}

export function stepHistory(history: History, step: HistoryStep): History {
  const { past, present, future } = history;
  switch (step.type) {
    case "start":
      return startHistory(step.draft);
    case "undo": {
      const previous = past.at(-1);
      if (previous === undefined) return history;
      return { past: past.slice(0, -1), present: previous, future: [present, ...future], field: null };
    }
    case "redo": {
      const [next, ...rest] = future;
      if (next === undefined) return history;
      return { past: [...past, present], present: next, future: rest, field: null };
    }
    case "change": {
      const field = step.field ?? null;
      const isSameField = field !== null && field === history.field;
      const next = step.change(present);
      return { past: isSameField ? past : [...past, present], present: next, future: [], field };
    }
  }
}
