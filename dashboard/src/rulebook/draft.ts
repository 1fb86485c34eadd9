/** A rulebook while it is edited: numbers are the texts of their fields, and everything has an id of its own. */
import type { Rule, Scoring, Stage } from "../api/types";
import { conditionsOf, parseCondition } from "../format/rules";
import { fromShown, toShown } from "./numbers";
import { SCORING_UNITS } from "./scoring-fields";
import { FACTS } from "./vocabulary";

export interface DraftCondition {
  id: string;
  fact: string;
  sign: string;
  /** as shown: shares are percentages */
  number: string;
}

export interface DraftRule {
  id: string;
  trigger: string;
  conditions: readonly DraftCondition[];
}

export interface DraftStage {
  id: string;
  /** null for a stage that is new: its key follows from its name */
  key: string | null;
  name: string;
  description: string;
  color: string | null;
  icon: string | null;
  kind: Stage["kind"];
  role: Stage["role"];
  rules: readonly DraftRule[];
  /** empty for none */
  retentionDays: string;
  actions: readonly string[];
}

export interface Draft {
  /** the growth stages in order, then the lapse stages in order */
  stages: readonly DraftStage[];
  /** texts by path, such as `risk_inactive_days.0` */
  scoring: Readonly<Record<string, string>>;
}

/** Stages and scoring as the API has them. */
export interface Rulebook {
  stages: Stage[];
  scoring: Scoring;
}

let lastId = 0;

/** Return a new id for a part of a draft. */
export function newId(): string {
  lastId += 1;
  return `part-${lastId}`;
}

export function rulesOf({ auto_transition_rules: rules }: Pick<Stage, "auto_transition_rules">): Rule[] {
  return rules === null ? [] : Array.isArray(rules) ? rules : [rules];
}

export function toDraft({ stages, scoring }: Rulebook): Draft {
  return { stages: stagesToDraft(stages), scoring: scoringToDraft(scoring) };
}

/** Convert stages; those that are not in use are left out. */
export function stagesToDraft(stages: readonly Stage[]): DraftStage[] {
  return inOrder(stages.filter((stage) => stage.is_active).map(stageToDraft));
}

export function stageToDraft(stage: Stage): DraftStage {
  return {
    id: newId(),
    key: stage.stage_key,
    name: stage.stage_name,
    description: stage.description ?? "",
    color: stage.color,
    icon: stage.icon,
    kind: stage.kind,
    role: stage.role,
    rules: rulesOf(stage).map(ruleToDraft),
    retentionDays: stage.retention_days === null ? "" : String(stage.retention_days),
    actions: stage.actions,
  };
}

/** Put growth stages before lapse stages, which is how they are shown. */
export function inOrder(stages: readonly DraftStage[]): DraftStage[] {
  return [
    ...stages.filter((stage) => stage.kind === "growth"),
    ...stages.filter((stage) => stage.kind === "lapse"),
  ];
}

function ruleToDraft(rule: Rule): DraftRule {
  const conditions = Object.entries(conditionsOf(rule)).map(([fact, text]) => {
    const { sign, number } = parseCondition(text) ?? { sign: ">=", number: text };
    return { id: newId(), fact, sign, number: toShown(number, FACTS[fact]?.unit ?? "number") };
  });
  return { id: newId(), trigger: rule.trigger, conditions };
}

function scoringToDraft(scoring: Scoring): Record<string, string> {
  const values = scoring as Record<string, string | number | readonly (string | number)[]>;
  return Object.fromEntries(
    Object.entries(SCORING_UNITS).map(([path, unit]) => {
      const [name = "", index] = path.split(".");
      const value = values[name];
      const part = Array.isArray(value) ? value[Number(index)] : value;
      return [path, toShown(String(part ?? ""), unit)];
    }),
  );
}

/** Convert a draft to what the API takes. */
export function toRulebook(draft: Draft): Rulebook {
  const keys = keysOf(draft.stages);
  const stages = draft.stages.map(
    (stage, index): Stage => ({
      stage_key: keys[index] ?? "",
      stage_name: stage.name.trim(),
      description: stage.description.trim() || null,
      order_index: index + 1,
      color: stage.color,
      icon: stage.icon,
      kind: stage.kind,
      role: stage.role,
      auto_transition_rules: stage.rules.length === 0 ? null : stage.rules.map(ruleFromDraft),
      retention_days: stage.retentionDays.trim() === "" ? null : Number(stage.retentionDays),
      actions: [...stage.actions],
      is_active: true,
    }),
  );
  return { stages, scoring: scoringFromDraft(draft.scoring) };
}

function ruleFromDraft({ trigger, conditions }: DraftRule): Rule {
  return {
    trigger,
    conditions: Object.fromEntries(
      conditions.map(({ fact, sign, number }) => [
        fact,
        `${sign}${fromShown(number, FACTS[fact]?.unit ?? "number")}`,
      ]),
    ),
  };
}

function scoringFromDraft(texts: Draft["scoring"]): Scoring {
  const scoring: Record<string, unknown> = {};
  for (const [path, unit] of Object.entries(SCORING_UNITS)) {
    const [name = "", index] = path.split(".");
    const text = fromShown(texts[path] ?? "", unit);
    const value = unit === "share" || unit === "money" ? text : Number(text);
    if (index === undefined) scoring[name] = value;
    else scoring[name] = [...((scoring[name] as unknown[] | undefined) ?? []), value];
  }
  return scoring as Scoring;
}

/** Return the key of each stage. New stages get one from their name that no other stage has. */
export function keysOf(stages: readonly DraftStage[]): string[] {
  const taken = new Set(stages.flatMap((stage) => stage.key ?? []));
  return stages.map((stage) => {
    if (stage.key !== null) return stage.key;
    const base = keyFromName(stage.name);
    let key = base;
    for (let number = 2; taken.has(key); number += 1) key = `${base.slice(0, 46)}_${number}`;
    taken.add(key);
    return key;
  });
}

function keyFromName(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  const key = plain.replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^[_0-9]+|_+$/g, "");
  return key.slice(0, 50) || "stage";
}
