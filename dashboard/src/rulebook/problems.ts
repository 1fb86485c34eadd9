/** Mistakes in a draft: those found while it is edited, and those that the API names by their place. */
import type { FieldProblem } from "../api/problem";
import { strings } from "../strings";
import { ruleStrings } from "../strings/rules";
import { type Draft, type DraftRule, type DraftStage, toRulebook } from "./draft";
import { isNumber } from "./numbers";
import { isWhole, SCORING_UNITS } from "./scoring-fields";
import { FACTS, isEventTrigger } from "./vocabulary";

export interface DraftProblem {
  /** id of the field, see `fieldOf` */
  field: string;
  /** where it is, for the list of all problems */
  where: string;
  problem: string;
}

/** A problem that the API found, which counts until its field is changed. */
export interface ServerProblem extends DraftProblem {
  value: string;
}

/** The ids of fields, which are also the ids of their elements. */
export const fieldOf = {
  /** for what concerns all stages */
  stages: "stages",
  stage: (id: string, name: StageField) => `${id}.${name}`,
  rule: (id: string) => id,
  condition: (id: string) => id,
  scoring: (path: string) => `scoring.${path}`,
};

export type StageField =
  | "name"
  | "description"
  | "color"
  | "icon"
  | "kind"
  | "role"
  | "retentionDays"
  | "actions"
  | "rules";

const STAGE_FIELDS: Record<string, StageField> = {
  stage_key: "name",
  stage_name: "name",
  description: "description",
  color: "color",
  icon: "icon",
  kind: "kind",
  role: "role",
  retention_days: "retentionDays",
  actions: "actions",
  auto_transition_rules: "rules",
};
const MIN_STAGES = 2;
const MAX_STAGES = 12;
const LONGEST_NAME = 255;
const MAX_DAYS = 10_000;

/** Return the mistakes that can be found without the API. */
export function draftProblems(draft: Draft): DraftProblem[] {
  return [
    ...listProblems(draft.stages),
    ...draft.stages.flatMap((stage) => stageProblems(stage, draft.stages)),
    ...scoringProblems(draft.scoring),
  ];
}

function listProblems(stages: readonly DraftStage[]): DraftProblem[] {
  const t = ruleStrings.stageEditor.mistakes;
  const found: string[] = [];
  if (stages.length < MIN_STAGES || stages.length > MAX_STAGES)
    found.push(t.stageCount(MIN_STAGES, MAX_STAGES));
  if (!stages.some((stage) => stage.kind === "growth")) found.push(t.noGrowth);
  return found.map((problem) => ({ field: fieldOf.stages, where: strings.views.stages, problem }));
}

function stageProblems(stage: DraftStage, all: readonly DraftStage[]): DraftProblem[] {
  const t = ruleStrings.stageEditor.mistakes;
  const where = stageTitle(stage);
  const found: DraftProblem[] = [];
  const add = (field: string, problem: string) => found.push({ field, where, problem });
  const name = stage.name.trim();
  if (name === "") add(fieldOf.stage(stage.id, "name"), t.noName);
  else if (name.length > LONGEST_NAME) add(fieldOf.stage(stage.id, "name"), t.longName(LONGEST_NAME));
  else if (all.some((other) => other !== stage && sameName(other.name, name)))
    add(fieldOf.stage(stage.id, "name"), t.sameName);
  const days = stage.retentionDays.trim();
  if (days !== "" && !(/^[0-9]+$/.test(days) && Number(days) >= 1 && Number(days) <= MAX_DAYS))
    add(fieldOf.stage(stage.id, "retentionDays"), t.days(MAX_DAYS));
  for (const rule of stage.rules) found.push(...ruleProblems(rule, where));
  return found;
}

function ruleProblems(rule: DraftRule, where: string): DraftProblem[] {
  const t = ruleStrings.stageEditor.mistakes;
  if (rule.conditions.length === 0 && !isEventTrigger(rule.trigger))
    return [{ field: fieldOf.rule(rule.id), where, problem: t.noCondition }];
  return rule.conditions.flatMap(({ id, fact, number }) => {
    const problem = number.trim() === "" ? t.noNumber : t.notANumber(number.trim());
    const isValid = isNumber(number, FACTS[fact]?.unit ?? "number");
    return isValid ? [] : [{ field: fieldOf.condition(id), where, problem }];
  });
}

function scoringProblems(scoring: Draft["scoring"]): DraftProblem[] {
  const t = ruleStrings.stageEditor.mistakes;
  return Object.entries(SCORING_UNITS).flatMap(([path, unit]) => {
    const text = scoring[path] ?? "";
    const isValid = isWhole(path) ? /^[0-9]{1,9}$/.test(text.trim()) : isNumber(text, unit);
    if (isValid) return [];
    const problem =
      text.trim() === "" ? t.noNumber : isWhole(path) ? t.notWhole(text.trim()) : t.notANumber(text.trim());
    return [{ field: fieldOf.scoring(path), where: ruleStrings.stageEditor.scoring, problem }];
  });
}

function sameName(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

export function stageTitle(stage: DraftStage): string {
  return stage.name.trim() || ruleStrings.stageEditor.unnamed;
}

/** Assign the API's problems to the fields of the draft that was sent. */
export function serverProblems(problems: readonly FieldProblem[], sent: Draft): ServerProblem[] {
  return problems.map(({ field: place, problem }) => {
    const { field, where } = locate(place, sent);
    return { field, where, problem, value: valueAt(sent, field) };
  });
}

/** Return the field at a place such as `stages[3].auto_transition_rules[0].conditions.days`. */
function locate(place: string, draft: Draft): { field: string; where: string } {
  const [, index, name = "", ruleIndex, fact] =
    /^stages\[(\d+)\](?:\.(\w+))?(?:\[(\d+)\])?(?:\.conditions(?:\.(\w+))?)?/.exec(place) ?? [];
  const stage = index === undefined ? undefined : draft.stages[Number(index)];
  if (stage !== undefined) {
    const where = stageTitle(stage);
    const rule = ruleIndex === undefined ? undefined : stage.rules[Number(ruleIndex)];
    const condition = rule?.conditions.find((one) => one.fact === fact);
    if (condition !== undefined) return { field: fieldOf.condition(condition.id), where };
    if (rule !== undefined && name === "auto_transition_rules")
      return { field: fieldOf.rule(rule.id), where };
    return { field: fieldOf.stage(stage.id, STAGE_FIELDS[name] ?? "name"), where };
  }
  const path = scoringPath(place);
  if (path !== null) return { field: fieldOf.scoring(path), where: ruleStrings.stageEditor.scoring };
  return { field: fieldOf.stages, where: strings.views.stages };
}

/** Return the first setting of the scores that a place names; `engagement_*_weight` names four. */
function scoringPath(place: string): string | null {
  const [, named] = /^scoring\.([\w*]+)/.exec(place) ?? [];
  if (named === undefined) return null;
  const pattern = new RegExp(`^${named.replaceAll("*", "\\w+")}(\\.\\d)?$`);
  return Object.keys(SCORING_UNITS).find((path) => pattern.test(path)) ?? null;
}

/** Return the problems whose fields have not been changed since. */
export function stillThere(problems: readonly ServerProblem[], draft: Draft): ServerProblem[] {
  return problems.filter(({ field, value }) => valueAt(draft, field) === value);
}

/** Return what a field contains, as text to compare. */
function valueAt(draft: Draft, field: string): string {
  if (field.startsWith("scoring.")) {
    // The weights of engagement are checked together.
    const isWeight = /engagement_\w+_weight/.test(field);
    const paths = Object.keys(SCORING_UNITS).filter((path) =>
      isWeight ? /engagement_\w+_weight/.test(path) : field.startsWith(`scoring.${path.split(".")[0]}`),
    );
    return JSON.stringify(paths.map((path) => draft.scoring[path]));
  }
  for (const stage of draft.stages) {
    if (field.startsWith(`${stage.id}.`)) {
      const name = field.slice(stage.id.length + 1) as StageField;
      return JSON.stringify([stage[name], name === "role" ? stage.kind : null]);
    }
    for (const rule of stage.rules) {
      if (field === rule.id) return JSON.stringify(rule);
      const condition = rule.conditions.find((one) => one.id === field);
      if (condition !== undefined) return JSON.stringify(condition);
    }
  }
  return field === fieldOf.stages ? JSON.stringify(toRulebook(draft).stages) : "";
}
