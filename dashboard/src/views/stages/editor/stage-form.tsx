import {
  ArrowDownOutlined,
  ArrowUpOutlined,
  DeleteOutlined,
  HolderOutlined,
  PlusOutlined,
} from "@ant-design/icons";
import { useSortable } from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { Button, Tag } from "antd";
import { Fragment } from "react";
import { StageIcon } from "../../../components/stage-icon";
import { readableTextColour } from "../../../format/contrast";
import type { DraftStage } from "../../../rulebook/draft";
import { addRule, moveStage, removeStage } from "../../../rulebook/edits";
import { fieldOf, stageTitle } from "../../../rulebook/problems";
import { ruleStrings } from "../../../strings/rules";
import { useEditing } from "./editing";
import { FieldProblem } from "./fields";
import { RuleEditor } from "./rule-editor";
import { StageActions, StageDetails } from "./stage-details";

/** The card of a stage: to move, with its rules, its actions, and its details. */
export function StageForm({
  stage,
  group,
  isEntry,
}: {
  stage: DraftStage;
  /** the stages of the same kind, in order */
  group: readonly DraftStage[];
  isEntry: boolean;
}) {
  const { edit, announce } = useEditing();
  const { setNodeRef, attributes, listeners, transform, transition, isDragging } = useSortable({
    id: stage.id,
  });
  const t = ruleStrings.stageEditor;
  const name = stageTitle(stage);
  const place = group.indexOf(stage);
  const rulesField = fieldOf.stage(stage.id, "rules");

  function move(by: number) {
    const target = group[place + by];
    if (target === undefined) return;
    edit((draft) => moveStage(draft, stage.id, target.id));
    announce(t.moved(name, place + by + 1, group.length));
  }

  return (
    <li
      ref={setNodeRef}
      className={isDragging ? "panel stage-form dragging" : "panel stage-form"}
      style={{ transform: CSS.Translate.toString(transform), transition }}
      aria-label={name}
    >
      <div className="stage-form-head">
        <Button
          type="text"
          className="drag-handle"
          icon={<HolderOutlined aria-hidden />}
          {...attributes}
          {...listeners}
          aria-label={t.move(name)}
        />
        <h3>
          <PreviewTag stage={stage} />
        </h3>
        <span className="buttons">
          <Button
            type="text"
            icon={<ArrowUpOutlined aria-hidden />}
            aria-label={t.moveUp(name)}
            disabled={place === 0}
            onClick={() => move(-1)}
          />
          <Button
            type="text"
            icon={<ArrowDownOutlined aria-hidden />}
            aria-label={t.moveDown(name)}
            disabled={place === group.length - 1}
            onClick={() => move(1)}
          />
          <Button
            type="text"
            danger
            icon={<DeleteOutlined aria-hidden />}
            aria-label={t.remove(name)}
            onClick={() => {
              edit((draft) => removeStage(draft, stage.id));
              announce(t.removedHint(name));
            }}
          />
        </span>
      </div>
      <div className="stage-rules" id={rulesField} tabIndex={-1}>
        {stage.rules.length === 0 && <p className="secondary">{isEntry ? t.entry : t.noRules}</p>}
        {stage.rules.map((rule, index) => (
          <Fragment key={rule.id}>
            {index > 0 && <span className="rule-or">{t.or}</span>}
            <RuleEditor stage={stage} rule={rule} />
          </Fragment>
        ))}
        <FieldProblem field={rulesField} />
        <Button
          type="dashed"
          size="small"
          icon={<PlusOutlined aria-hidden />}
          aria-label={t.addRuleTo(name)}
          onClick={() => edit((draft) => addRule(draft, stage.id))}
        >
          {t.addRule}
        </Button>
      </div>
      <StageActions stage={stage} />
      <StageDetails stage={stage} />
    </li>
  );
}

export function PreviewTag({ stage }: { stage: DraftStage }) {
  const colour = stage.color ?? "#64748b";
  return (
    <Tag
      className="stage-tag large"
      icon={<StageIcon name={stage.icon} />}
      style={{ background: colour, color: readableTextColour(colour), borderColor: "transparent" }}
    >
      {stageTitle(stage)}
    </Tag>
  );
}
