import type { Comparison, Rule, Stage } from "../api/shapes";
import { strings } from "../strings";
import { readable } from "./labels";
import { money, number, share } from "./numbers";

const CONDITION = /^\s*(>=|<=|==|>|<)\s*(-?[0-9.]+)\s*$/;

/** A stage's rules, one sentence each; any of them will do. Empty: nothing leads there by itself. */
export function rulesInWords(stage: Pick<Stage, "auto_transition_rules">, currency: string): string[] {
  const rules = stage.auto_transition_rules;
  return (rules === null ? [] : Array.isArray(rules) ? rules : [rules]).map((rule) =>
    ruleInWords(rule, currency),
  );
}

export function ruleInWords({ trigger, conditions }: Rule, currency: string): string {
  const said = strings.rules;
  const clauses = Object.entries(conditions).map(([fact, text]) => conditionInWords(fact, text, currency));
  const event = said.events[trigger];
  if (event === undefined) return sentence(clauses.join(said.and) || (said.facts[trigger] ?? trigger));
  return sentence(clauses.length === 0 ? event : `${event}${said.where}${clauses.join(said.and)}`);
}

/** What was compared when a rule moved a journey: "Lifetime value: €1,073.00 (at least €1,000.00)". */
export function comparisonInWords({ fact, is, must_be }: Comparison, currency: string): string {
  const shown = is === null ? strings.common.none : plain(fact, is, currency);
  const match = CONDITION.exec(must_be);
  const limit = match === null ? must_be : `${operatorOf(match)} ${plain(fact, Number(match[2]), currency)}`;
  return strings.journey.compared(strings.facts[fact] ?? readable(fact), shown, limit);
}

function conditionInWords(fact: string, text: string, currency: string): string {
  const said = strings.rules;
  const match = CONDITION.exec(text);
  if (match === null) return `${fact} ${text}`;
  const value = Number(match[2]);
  const unit = said.units[fact];
  const shown = unit === undefined ? plain(fact, value, currency) : unit(number(value), value);
  return `${said.facts[fact] ?? fact} ${operatorOf(match)} ${shown}`;
}

function operatorOf([, sign = ""]: RegExpExecArray): string {
  return strings.rules.operators[sign] ?? sign;
}

function plain(fact: string, value: number, currency: string): string {
  if (fact === "value") return money(value, currency);
  const isShare = fact === "missed_rate" || fact === "risk" || fact === "engagement";
  return isShare ? share(value) : number(value);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
