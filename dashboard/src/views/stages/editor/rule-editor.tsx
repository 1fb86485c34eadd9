import { CloseOutlined, DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { DraftCondition, DraftRule, DraftStage } from "../../../rulebook/draft";
import {
  addCondition,
  changeCondition,
  changeOccasion,
  removeCondition,
  removeRule,
  unusedFacts,
} from "../../../rulebook/edits";
import { fieldOf, stageTitle } from "../../../rulebook/problems";
import { EVENT_TRIGGERS, FACTS, isEventTrigger, OPERATORS } from "../../../rulebook/vocabulary";
import { strings } from "../../../strings";
import { ruleStrings } from "../../../strings/rules";
import { useEditing } from "./editing";
import { ChoiceField, FieldProblem, NumberField } from "./fields";

const ANY_TIME = "any";
const OCCASIONS = [ANY_TIME, ...EVENT_TRIGGERS];

/** A rule as a sentence with fields: "Customers become VIP as soon as lifetime value is at least [1000] €". */
export function RuleEditor({ stage, rule }: { stage: DraftStage; rule: DraftRule }) {
  const { edit } = useEditing();
  const t = ruleStrings.stageEditor;
  const name = stageTitle(stage);
  const field = fieldOf.rule(rule.id);
  const isEvent = isEventTrigger(rule.trigger);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as a sentence
    <div className="rule-sentence" role="group" aria-label={`${t.become} ${name}`} id={field} tabIndex={-1}>
      <div className="rule-clauses">
        <span>
          {t.become} <strong>{name}</strong>
        </span>
        <ChoiceField
          label={t.occasion}
          value={isEvent ? rule.trigger : ANY_TIME}
          choices={OCCASIONS.map((value) => ({ value, label: t.occasions[value] ?? value }))}
          onChange={(value) =>
            edit((draft) => changeOccasion(draft, stage.id, rule.id, value === ANY_TIME ? null : value))
          }
        />
        {rule.conditions.map((condition, index) => (
          <ConditionEditor
            key={condition.id}
            stage={stage}
            rule={rule}
            condition={condition}
            hasAnd={isEvent || index > 0}
          />
        ))}
        {unusedFacts(rule).length > 0 && (
          <Button
            type="text"
            size="small"
            icon={<PlusOutlined aria-hidden />}
            aria-label={t.addConditionTo(name)}
            onClick={() => edit((draft) => addCondition(draft, stage.id, rule.id))}
          >
            {t.addCondition}
          </Button>
        )}
      </div>
      <Button
        type="text"
        icon={<DeleteOutlined aria-hidden />}
        aria-label={t.removeRule}
        title={t.removeRule}
        onClick={() => edit((draft) => removeRule(draft, stage.id, rule.id))}
      />
      <FieldProblem field={field} />
    </div>
  );
}

function ConditionEditor({
  stage,
  rule,
  condition,
  hasAnd,
}: {
  stage: DraftStage;
  rule: DraftRule;
  condition: DraftCondition;
  hasAnd: boolean;
}) {
  const { edit, currency } = useEditing();
  const t = ruleStrings.stageEditor;
  const { fact, sign, number } = condition;
  const field = fieldOf.condition(condition.id);
  const change = (changes: Partial<DraftCondition>, key?: string) =>
    edit((draft) => changeCondition(draft, stage.id, rule.id, condition.id, changes), key);
  const name = t.facts[fact] ?? fact;
  const unit = FACTS[fact]?.unit;
  return (
    <span className="rule-condition">
      {hasAnd && <span>{t.and}</span>}
      <ChoiceField
        label={t.fact}
        value={fact}
        choices={[fact, ...unusedFacts(rule)].map((value) => ({ value, label: t.facts[value] ?? value }))}
        onChange={(value) => change({ fact: value })}
      />
      <ChoiceField
        label={t.operator}
        value={sign}
        choices={OPERATORS.map((value) => ({ value, label: strings.rules.operators[value] ?? value }))}
        onChange={(value) => change({ sign: value })}
      />
      <NumberField
        field={field}
        label={t.numberOf(name)}
        value={number}
        suffix={unit === "money" ? currency : unit === "share" ? "%" : t.units[fact]}
        onChange={(value) => change({ number: value }, field)}
      />
      <Button
        type="text"
        size="small"
        icon={<CloseOutlined aria-hidden />}
        aria-label={t.removeCondition}
        title={t.removeCondition}
        onClick={() => edit((draft) => removeCondition(draft, stage.id, rule.id, condition.id))}
      />
      <FieldProblem field={field} />
    </span>
  );
}
