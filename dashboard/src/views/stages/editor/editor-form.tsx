import { Button, Select } from "antd";
import { useMemo, useState } from "react";
import type { Stage } from "../../../api/types";
import { ErrorAlert } from "../../../components/error-alert";
import { Panel } from "../../../components/panel";
import { StageTag } from "../../../components/stage-tag";
import { usePresets } from "../../../rulebook/api";
import type { Draft } from "../../../rulebook/draft";
import { stagesToDraft, stageToDraft } from "../../../rulebook/draft";
import { addStage } from "../../../rulebook/edits";
import { type DraftProblem, fieldOf } from "../../../rulebook/problems";
import { strings } from "../../../strings";
import { ruleStrings } from "../../../strings/rules";
import { useEditing } from "./editing";
import { ScoringForm } from "./scoring-form";
import { StageGroup } from "./stage-group";

/** All stages and the scores as forms. */
export function EditorForm({ draft, unused }: { draft: Draft; unused: readonly Stage[] }) {
  const { edit, problems } = useEditing();
  const t = ruleStrings.stageEditor;
  const taken = new Set(draft.stages.map((stage) => stage.key));
  const free = unused.filter((stage) => !taken.has(stage.stage_key));
  const [growth, lapse] = useMemo(
    () => [
      draft.stages.filter((stage) => stage.kind === "growth"),
      draft.stages.filter((stage) => stage.kind === "lapse"),
    ],
    [draft.stages],
  );
  return (
    <div className="editor-form">
      <ProblemList problems={problems} />
      <PresetSelect />
      <div id={fieldOf.stages} tabIndex={-1} className="stage-groups">
        <StageGroup kind="growth" stages={growth} />
        <StageGroup kind="lapse" stages={lapse} />
      </div>
      {free.length > 0 && (
        <Panel title={t.notInUse}>
          <p className="secondary">{t.notInUseHint}</p>
          <ul className="unused-stages">
            {free.map((stage) => (
              <li key={stage.stage_key}>
                <StageTag stage={stage.stage_key} name={stage.stage_name} />
                <Button
                  size="small"
                  onClick={() => edit((current) => addStage(current, stage.kind, stageToDraft(stage)))}
                >
                  {t.bringBack(stage.stage_name)}
                </Button>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <ScoringForm scoring={draft.scoring} />
    </div>
  );
}

/** All mistakes, each a button that leads to its field. */
function ProblemList({ problems }: { problems: readonly DraftProblem[] }) {
  const t = ruleStrings.stageEditor;
  if (problems.length === 0) return null;
  return (
    <section
      className="problem-list"
      role="alert"
      aria-label={t.problems(String(problems.length), problems.length)}
    >
      <strong>{t.problems(String(problems.length), problems.length)}</strong>
      <ul>
        {problems.map(({ field, where, problem }) => (
          <li key={`${field} ${problem}`}>
            <Button type="link" size="small" onClick={() => focusField(field)}>
              {where}
            </Button>{" "}
            {problem}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Focus a field. It may be in a section that is closed. */
export function focusField(field: string): void {
  const element = document.getElementById(field);
  if (element === null) return;
  for (let parent = element.parentElement; parent !== null; parent = parent.parentElement)
    if (parent instanceof HTMLDetailsElement) parent.open = true;
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
}

/** Replace the stages by ready-made ones. */
function PresetSelect() {
  const { edit, announce } = useEditing();
  const [opened, setOpened] = useState(false);
  const presets = usePresets(opened);
  const t = ruleStrings.stageEditor;
  return (
    <div className="preset-select">
      <label htmlFor="preset">{t.start}</label>
      <Select
        id="preset"
        value={null}
        placeholder={t.startPlaceholder}
        loading={presets.isFetching}
        popupMatchSelectWidth={false}
        notFoundContent={presets.isError ? t.presetsFailed : strings.common.loading}
        onOpenChange={(isOpen) => isOpen && setOpened(true)}
        options={(presets.data?.presets ?? []).map(({ key, name, description }) => ({
          value: key,
          title: name,
          label: (
            <div className="preset-choice">
              {name}
              <small>{description}</small>
            </div>
          ),
        }))}
        onChange={(key: string | null) => {
          const preset = presets.data?.presets.find((one) => one.key === key);
          if (preset === undefined) return;
          edit((draft) => ({ ...draft, stages: stagesToDraft(preset.stages) }));
          announce(t.startWith(preset.name));
        }}
      />
      {presets.isError && <ErrorAlert error={presets.error} title={t.presetsFailed} />}
    </div>
  );
}
