import { App, Button, Checkbox, Input } from "antd";
import { useState } from "react";
import { Problem } from "../../../api/problem";
import type { RulePreview } from "../../../api/types";
import { errorMessage } from "../../../components/error-alert";
import { Panel } from "../../../components/panel";
import { formatNumber } from "../../../format/numbers";
import { type Proposal, useApplyRules } from "../../../rulebook/api";
import { ruleStrings } from "../../../strings/rules";

const LONGEST_REASON = 500;
const CHANGED_MEANWHILE = 412;

interface Props {
  preview: RulePreview;
  proposal: Proposal;
  baseVersion: number;
  onConflict(): void;
  onInvalid(error: Error): void;
  onApplied(change: { version: number; rollout_id: string | null }): void;
}

/** Why the rules change, and whether actions run; then apply them. */
export function ApplyForm({ preview, proposal, baseVersion, onConflict, onInvalid, onApplied }: Props) {
  const [reason, setReason] = useState("");
  const [runActions, setRunActions] = useState(false);
  const [isMissing, setIsMissing] = useState(false);
  const apply = useApplyRules();
  const { message } = App.useApp();
  const t = ruleStrings.rulePreview;
  const messages = preview.messages ?? 0;

  async function submit() {
    if (reason.trim() === "") {
      setIsMissing(true);
      document.getElementById("change-reason")?.focus();
      return;
    }
    try {
      const change = await apply.mutateAsync({
        proposal,
        baseVersion,
        reason: reason.trim(),
        runActions,
        previewId: preview.id,
      });
      if (change.rollout_id === null) message.info(t.nothingChanged);
      else message.success(t.applied(formatNumber(change.version)));
      onApplied(change);
    } catch (error) {
      if (error instanceof Problem && error.status === CHANGED_MEANWHILE) onConflict();
      else if (error instanceof Problem && error.status === 422) onInvalid(error);
      else message.error(errorMessage(error as Error));
    }
  }

  return (
    <Panel title={t.applyTitle} className="apply-form">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="edit-field wide">
          <label htmlFor="change-reason">{t.reason}</label>
          <Input
            id="change-reason"
            value={reason}
            maxLength={LONGEST_REASON}
            required
            autoComplete="off"
            onChange={({ target }) => {
              setReason(target.value);
              setIsMissing(false);
            }}
            {...(isMissing
              ? { status: "error", "aria-invalid": true, "aria-describedby": "change-reason-problem" }
              : {})}
          />
          <small>{t.reasonHint}</small>
          {isMissing && (
            <p id="change-reason-problem" className="field-problem" role="alert">
              {t.reasonMissing}
            </p>
          )}
        </div>
        <Checkbox checked={runActions} onChange={({ target }) => setRunActions(target.checked)}>
          {t.runActions}
        </Checkbox>
        <p className="secondary">{t.runActionsHint(formatNumber(messages), messages)}</p>
        <Button type="primary" htmlType="submit" loading={apply.isPending}>
          {t.apply}
        </Button>
      </form>
    </Panel>
  );
}
