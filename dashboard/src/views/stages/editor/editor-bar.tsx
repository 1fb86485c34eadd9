import { RedoOutlined, UndoOutlined } from "@ant-design/icons";
import { Button, Popconfirm } from "antd";
import { useState } from "react";
import { formatNumber } from "../../../format/numbers";
import type { History } from "../../../rulebook/edits";
import { ruleStrings } from "../../../strings/rules";

interface Props {
  history: History;
  differences: readonly string[];
  isDirty: boolean;
  isBusy: boolean;
  onUndo(): void;
  onRedo(): void;
  onDiscard(): void;
  onPreview(): void;
}

/** Undo, redo, discard and preview; always visible below the form. */
export function EditorBar(props: Props) {
  const { history, differences, isDirty } = props;
  const [opened, setOpened] = useState(false);
  const t = ruleStrings.stageEditor;
  return (
    <section className="editor-bar" aria-label={t.preview}>
      {opened && isDirty && (
        <ul className="difference-list">
          {differences.map((difference) => (
            <li key={difference}>{difference}</li>
          ))}
        </ul>
      )}
      <div className="editor-buttons">
        <Button
          icon={<UndoOutlined aria-hidden />}
          aria-label={t.undo}
          title={t.undo}
          disabled={history.past.length === 0}
          onClick={props.onUndo}
        />
        <Button
          icon={<RedoOutlined aria-hidden />}
          aria-label={t.redo}
          title={t.redo}
          disabled={history.future.length === 0}
          onClick={props.onRedo}
        />
        {isDirty ? (
          <Button type="link" aria-expanded={opened} onClick={() => setOpened(!opened)}>
            {t.changes(formatNumber(differences.length), differences.length)}
          </Button>
        ) : (
          <span className="secondary">{t.unchanged}</span>
        )}
        <span className="editor-buttons-end">
          <Popconfirm
            title={t.discardTitle}
            description={t.discardText}
            okText={t.discard}
            cancelText={t.keepEditing}
            disabled={!isDirty}
            onConfirm={props.onDiscard}
          >
            <Button disabled={!isDirty}>{t.discard}</Button>
          </Popconfirm>
          <Button type="primary" disabled={!isDirty} loading={props.isBusy} onClick={props.onPreview}>
            {t.preview}
          </Button>
        </span>
      </div>
    </section>
  );
}
