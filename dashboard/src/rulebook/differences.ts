/** What differs between two rulebooks, in sentences. */
import type { Stage } from "../api/types";
import { actionLabel } from "../format/labels";
import { describeRules } from "../format/rules";
import { ruleStrings } from "../strings/rules";
import type { Rulebook } from "./draft";
import { toDraft } from "./draft";
import { SCORING_UNITS, sentenceParts } from "./scoring-fields";
import { withUnit } from "./units";

/** Describe what leads from one rulebook to another; empty if they mean the same. */
export function describeDifferences(old: Rulebook, changed: Rulebook, currency: string): string[] {
  const [before, after] = [inUse(old.stages), inUse(changed.stages)];
  const t = ruleStrings.ruleDifferences;
  const removed = before.filter((stage) => find(after, stage) === undefined);
  return [
    ...removed.map((stage) => t.removed(stage.stage_name)),
    ...after.flatMap((stage) => {
      const earlier = find(before, stage);
      return earlier === undefined
        ? describeAdded(stage, currency)
        : describeChanged(earlier, stage, currency);
    }),
    ...describeOrder(before, after),
    ...describeScoring(old, changed, currency),
  ];
}

function inUse(stages: readonly Stage[]): Stage[] {
  return stages.filter((stage) => stage.is_active);
}

function find(stages: readonly Stage[], { stage_key }: Stage): Stage | undefined {
  return stages.find((stage) => stage.stage_key === stage_key);
}

function describeAdded(stage: Stage, currency: string): string[] {
  const t = ruleStrings.ruleDifferences;
  const rules = describeRules(stage, currency).map(quoted);
  const rest = describeChanged({ ...stage, role: null, retention_days: null, actions: [] }, stage, currency);
  return [t.added(stage.stage_name, t.kinds[stage.kind], rules.join(t.or)), ...rest];
}

function describeChanged(old: Stage, stage: Stage, currency: string): string[] {
  const t = ruleStrings.ruleDifferences;
  const name = stage.stage_name;
  const found: string[] = [];
  if (old.stage_name !== name) found.push(t.renamed(old.stage_name, name));
  found.push(...describeRuleChanges(name, describeRules(old, currency), describeRules(stage, currency)));
  if (old.kind !== stage.kind) found.push(t.kind(name, t.kinds[stage.kind]));
  if (old.role !== stage.role)
    found.push(stage.role === null ? t.noRole(name) : t.role(name, t.roles[stage.role]));
  if (old.retention_days !== stage.retention_days)
    found.push(stage.retention_days === null ? t.noRetention(name) : t.retention(name, stage.retention_days));
  for (const action of stage.actions)
    if (!old.actions.includes(action)) found.push(t.actionAdded(name, actionLabel(action)));
  for (const action of old.actions)
    if (!stage.actions.includes(action)) found.push(t.actionRemoved(name, actionLabel(action)));
  if ((old.description ?? "") !== (stage.description ?? "")) found.push(t.description(name));
  if (old.color !== stage.color || old.icon !== stage.icon) found.push(t.look(name));
  return found;
}

function describeRuleChanges(name: string, old: readonly string[], rules: readonly string[]): string[] {
  const t = ruleStrings.ruleDifferences;
  const removed = old.filter((rule) => !rules.includes(rule));
  const added = rules.filter((rule) => !old.includes(rule));
  const [before, after] = [removed[0], added[0]];
  if (removed.length === 1 && added.length === 1 && before !== undefined && after !== undefined)
    return [t.ruleChanged(name, quoted(before), quoted(after))];
  return [
    ...removed.map((rule) => t.ruleRemoved(name, quoted(rule))),
    ...added.map((rule) => t.ruleAdded(name, quoted(rule))),
  ];
}

function quoted(rule: string): string {
  return `“${rule.charAt(0).toLowerCase()}${rule.slice(1)}”`;
}

/** The order matters within one kind: of growth stages, or of lapse stages. */
function describeOrder(before: readonly Stage[], after: readonly Stage[]): string[] {
  const t = ruleStrings.ruleDifferences;
  return (["growth", "lapse"] as const).flatMap((kind) => {
    const stages = after.filter((stage) => stage.kind === kind);
    const remaining = stages.filter((stage) => find(before, stage)?.kind === kind);
    const earlier = before.filter((stage) => remaining.some((one) => one.stage_key === stage.stage_key));
    const isSame = remaining.every((stage, index) => stage.stage_key === earlier[index]?.stage_key);
    return isSame ? [] : [t.order(t.kinds[kind], stages.map((stage) => stage.stage_name).join(", "))];
  });
}

function describeScoring(old: Rulebook, changed: Rulebook, currency: string): string[] {
  const t = ruleStrings.ruleDifferences;
  const [before, after] = [toDraft(old).scoring, toDraft(changed).scoring];
  const isChanged = (path: string) => before[path] !== after[path];
  const shown = (texts: Readonly<Record<string, string>>, sentence: string) =>
    sentenceParts(sentence)
      .map((part) =>
        "text" in part ? part.text : withUnit(texts[part.path] ?? "", SCORING_UNITS[part.path], currency),
      )
      .join(" ")
      .replaceAll(/ (?=[,.%])/g, "");
  return Object.values(ruleStrings.scoringSentences)
    .flatMap(({ sentences }) => sentences)
    .filter((sentence) => sentenceParts(sentence).some((part) => "path" in part && isChanged(part.path)))
    .map((sentence) => t.scoring(`“${shown(before, sentence)}”`, `“${shown(after, sentence)}”`));
}
