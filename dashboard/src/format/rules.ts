import type { Comparison, Rule, Stage } from "../api/types";
import { strings } from "../strings";
import { formatDays } from "./durations";
import { humanize } from "./labels";
import { LOCALE } from "./locale";
import { formatMoney, formatNumber, formatShare } from "./numbers";

const DECIMALS = 4;
const CONDITION = /^\s*(>=|<=|==|>|<)\s*(-?[0-9.]+)\s*$/;

/** Split a condition such as `>=1000`; null if it is none. */
export function parseCondition(text: string): { sign: string; number: string } | null {
  const [, sign, number] = CONDITION.exec(text) ?? [];
  return sign === undefined || number === undefined ? null : { sign, number };
}

/** Describe a stage's rules, one sentence each; any of them suffices. Empty if the stage has no rules. */
export function describeRules(stage: Pick<Stage, "auto_transition_rules">, currency: string): string[] {
  const rules = stage.auto_transition_rules;
  return (rules === null ? [] : Array.isArray(rules) ? rules : [rules]).map((rule) =>
    describeRule(rule, currency),
  );
}

/** Return a rule's conditions by fact; the API also represents no conditions as `[]`. */
export function conditionsOf({ conditions = {} }: Rule): Record<string, string> {
  return Array.isArray(conditions) ? {} : conditions;
}

export function describeRule(rule: Rule, currency: string): string {
  const t = strings.rules;
  const { trigger } = rule;
  const clauses = Object.entries(conditionsOf(rule)).map(([fact, text]) =>
    describeCondition(fact, text, currency),
  );
  const event = t.events[trigger];
  if (event === undefined) return capitalize(clauses.join(t.and) || (t.facts[trigger] ?? trigger));
  return capitalize(clauses.length === 0 ? event : `${event}${t.where}${clauses.join(t.and)}`);
}

/** Describe what a rule compared in a transition. Facts that were unknown, such as a call's length, are left out. */
export function describeComparisons(comparisons: readonly Comparison[], currency: string): string[] {
  return comparisons
    .filter(({ is }) => is !== null)
    .map((comparison) => describeComparison(comparison, currency));
}

/** Describe one comparison: "Lifetime value: €1,073.00 (required: at least €1,000.00)". */
function describeComparison({ fact, is, must_be, holds }: Comparison, currency: string): string {
  const shown = is === null ? strings.common.none : formatFact(fact, is, currency);
  const match = CONDITION.exec(must_be);
  // A rule applies at the instant after its threshold, when the elapsed time still reads as the threshold itself.
  if (fact === "days" && holds && match?.[1] === ">" && is !== null && isClose(is, Number(match[2])))
    return strings.journey.longerThan(formatDays(Number(match[2])));
  const name = strings.facts[fact] ?? humanize(fact);
  if (match === null) return strings.journey.comparison(name, shown, must_be);
  const limit = formatFact(fact, Number(match[2]), currency);
  // Rounding must not make a value read as the limit that it exceeds: "20.4% (required: more than 20%)".
  const precise = shown === limit && is !== null && is !== Number(match[2]);
  const value = precise ? describeClose(fact, is, Number(match[2]), currency) : shown;
  return strings.journey.comparison(name, value, `${describeOperator(match)} ${limit}`);
}

/** Whether two numbers read the same with as many decimals as are ever shown. */
function isClose(one: number, other: number): boolean {
  return Math.abs(one - other) < 0.5 * 10 ** -DECIMALS;
}

/** Describe a value that rounds to its limit: with more decimals, or by the side on which it is. */
function describeClose(fact: string, is: number, limit: number, currency: string): string {
  if (!isClose(is, limit)) return formatFact(fact, is, currency, DECIMALS);
  const { justOver, justUnder } = strings.journey;
  return (is > limit ? justOver : justUnder)(formatFact(fact, limit, currency));
}

function describeCondition(fact: string, text: string, currency: string): string {
  const t = strings.rules;
  const match = CONDITION.exec(text);
  if (match === null) return `${fact} ${text}`;
  const value = Number(match[2]);
  const unit = t.units[fact];
  const shown = unit === undefined ? formatFact(fact, value, currency) : unit(formatNumber(value), value);
  return `${t.facts[fact] ?? fact} ${describeOperator(match)} ${shown}`;
}

function describeOperator([, sign = ""]: RegExpExecArray): string {
  return strings.rules.operators[sign] ?? sign;
}

function formatFact(fact: string, value: number, currency: string, decimals?: number): string {
  if (fact === "value") return formatMoney(value, currency);
  const isShare = fact === "missed_rate" || fact === "risk" || fact === "engagement";
  return isShare
    ? formatShare(value, LOCALE, decimals && decimals - 2)
    : formatNumber(value, LOCALE, decimals);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
