import { Input, Select } from "antd";
import { useEffect, useRef } from "react";
import { ICON_NAMES, StageIcon } from "../../../components/stage-icon";
import { actionLabel } from "../../../format/labels";
import type { DraftStage } from "../../../rulebook/draft";
import { changeStage } from "../../../rulebook/edits";
import { fieldOf, type StageField } from "../../../rulebook/problems";
import { ACTIONS, ROLES } from "../../../rulebook/vocabulary";
import { ruleStrings } from "../../../strings/rules";
import { useEditing } from "./editing";
import { ChoiceField, Field, NumberField, useInvalid } from "./fields";

const NO_ROLE = "none";
const DEFAULT_COLOUR = "#64748b";

/** Name, colour, icon, kind, role and the like; closed at first, unless the stage is new or something is wrong. */
export function StageDetails({ stage }: { stage: DraftStage }) {
  const { edit, problems } = useEditing();
  const details = useRef<HTMLDetailsElement>(null);
  const t = ruleStrings.stageEditor;
  const field = (name: StageField) => fieldOf.stage(stage.id, name);
  const change = (changes: Partial<DraftStage>, key?: string) =>
    edit((draft) => changeStage(draft, stage.id, changes), key);
  const hasProblem = problems.some((problem) => problem.field.startsWith(`${stage.id}.`));
  const opens = hasProblem || stage.name === "";
  useEffect(() => {
    if (opens && details.current !== null) details.current.open = true;
  }, [opens]);
  return (
    <details ref={details} className="stage-details">
      <summary>{t.details}</summary>
      <div className="edit-fields">
        <Field field={field("name")} label={t.name}>
          <Input
            id={field("name")}
            value={stage.name}
            autoComplete="off"
            onChange={({ target }) => change({ name: target.value }, field("name"))}
            {...useInvalid(field("name"))}
          />
        </Field>
        <Field field={field("color")} label={t.color}>
          <input
            id={field("color")}
            type="color"
            value={stage.color ?? DEFAULT_COLOUR}
            onChange={({ target }) => change({ color: target.value.toUpperCase() }, field("color"))}
          />
        </Field>
        <Field field={field("icon")} label={t.icon}>
          <ChoiceField
            field={field("icon")}
            value={ICON_NAMES.includes(stage.icon ?? "") ? (stage.icon ?? "flag") : "flag"}
            choices={ICON_NAMES.map((value) => ({
              value,
              label: t.icons[value] ?? value,
              icon: <StageIcon name={value} />,
            }))}
            onChange={(icon) => change({ icon })}
          />
        </Field>
        <Field field={field("kind")} label={t.kind}>
          <ChoiceField
            field={field("kind")}
            value={stage.kind}
            choices={(["growth", "lapse"] as const).map((value) => ({ value, label: t.kinds[value] }))}
            onChange={(kind) => change({ kind })}
          />
        </Field>
        <Field field={field("role")} label={t.role}>
          <ChoiceField
            field={field("role")}
            value={stage.role ?? NO_ROLE}
            choices={[
              { value: NO_ROLE, label: t.noRole },
              ...ROLES[stage.kind].map((value) => ({ value, label: t.roles[value] })),
            ]}
            onChange={(role) => change({ role: role === NO_ROLE ? null : (role as DraftStage["role"]) })}
          />
        </Field>
        <Field field={field("description")} label={t.description} wide>
          <Input
            id={field("description")}
            value={stage.description}
            maxLength={2000}
            onChange={({ target }) => change({ description: target.value }, field("description"))}
            {...useInvalid(field("description"))}
          />
        </Field>
        <Field field={field("retentionDays")} label={t.retention} hint={t.retentionHint} wide>
          <NumberField
            field={field("retentionDays")}
            value={stage.retentionDays}
            onChange={(retentionDays) => change({ retentionDays }, field("retentionDays"))}
          />
        </Field>
      </div>
    </details>
  );
}

export function StageActions({ stage }: { stage: DraftStage }) {
  const { edit } = useEditing();
  const t = ruleStrings.stageEditor;
  const field = fieldOf.stage(stage.id, "actions");
  return (
    <Field field={field} label={t.actions} wide>
      <Select<string[]>
        id={field}
        mode="multiple"
        placeholder={t.actionsPlaceholder}
        value={[...stage.actions]}
        options={ACTIONS.map((value) => ({ value, label: actionLabel(value), title: actionLabel(value) }))}
        showSearch={{ optionFilterProp: "label" }}
        onChange={(actions) => edit((draft) => changeStage(draft, stage.id, { actions }))}
        {...useInvalid(field)}
      />
    </Field>
  );
}
