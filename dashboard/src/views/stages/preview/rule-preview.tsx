import { ArrowLeftOutlined } from "@ant-design/icons";
import { Button, Progress } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { Problem } from "../../../api/problem";
import type { RulePreview as Preview } from "../../../api/types";
import { ErrorAlert } from "../../../components/error-alert";
import { TextSkeleton } from "../../../components/loading";
import { Page } from "../../../components/page";
import { Panel } from "../../../components/panel";
import { formatDateTime } from "../../../format/dates";
import { formatNumber } from "../../../format/numbers";
import { beginPreview, type Proposal, usePreview } from "../../../rulebook/api";
import { describeDifferences } from "../../../rulebook/differences";
import type { Rulebook } from "../../../rulebook/draft";
import { useCurrency } from "../../../session/session";
import { ruleStrings } from "../../../strings/rules";
import { DifferenceList } from "../conflict-dialog";
import type { VersionedRulebook } from "../editor/stage-editor";
import { ApplyForm } from "./apply-form";
import { PreviewCustomers } from "./preview-customers";
import { PreviewMoves } from "./preview-moves";
import { PreviewPast, type Since, sinceTime } from "./preview-past";
import { PreviewStages, stagesByKey } from "./stage-names";
import "../../../rulebook.css";

interface Props {
  title: string;
  backText: string;
  proposal: Proposal;
  /** the rules that the proposal leads to */
  changed: Rulebook;
  base: VersionedRulebook;
  /** a preview that was begun already; null: begin one */
  firstPreview: number | null;
  /** @param running the id of the preview, if it has not ended */
  onBack(running: number | null): void;
  /** called if somebody else has changed the rules */
  onConflict(): void;
  /** called if the API refuses the rules */
  onInvalid(error: Error): void;
  onApplied(change: { version: number; rollout_id: string | null }): void;
}

/** What changed rules would do: now, to whom, and what they would have done. From here they can be applied. */
export function RulePreview(props: Props) {
  const { base, changed, proposal, onBack, onConflict } = props;
  const [since, setSince] = useState<Since>("all");
  const run = usePreviewRun(proposal, props.firstPreview, props.onInvalid);
  const query = usePreview(run.previewId);
  const currency = useCurrency();
  const t = ruleStrings.rulePreview;
  const stages = useMemo(() => stagesByKey(base.stages, changed.stages), [base, changed]);
  const differences = useMemo(() => describeDifferences(base, changed, currency), [base, changed, currency]);
  const preview = query.data;
  const isStale = preview !== undefined && preview.base_version !== base.version;
  const conflict = useRef(onConflict);
  conflict.current = onConflict;
  useEffect(() => {
    if (isStale) conflict.current();
  }, [isStale]);
  const isRunning = preview === undefined || preview.status === "running";
  const leave = () => onBack(isRunning ? run.previewId : null);
  const error = run.error ?? (query.isError && preview === undefined ? query.error : null);
  const failed = preview?.status === "failed" ? new Error(preview.reason ?? t.failed) : error;

  return (
    <PreviewStages value={stages}>
      <Page
        title={props.title}
        documentTitle={props.title}
        subtitle={
          preview?.status === "complete" ? `${t.lead} ${t.asOf(formatDateTime(preview.as_of))}` : t.lead
        }
        extra={
          <Button icon={<ArrowLeftOutlined aria-hidden />} onClick={leave}>
            {props.backText}
          </Button>
        }
      >
        <div className="column rule-preview">
          <Panel title={t.whatChanges}>
            <DifferenceList sentences={differences} />
          </Panel>
          {failed ? (
            <ErrorAlert error={failed} title={t.failed} retry={() => void run.begin(sinceTime(since))} />
          ) : isRunning ? (
            <PreviewProgress preview={preview} onCancel={leave} />
          ) : (
            <>
              <PreviewMoves preview={preview} />
              <ApplyForm
                preview={preview}
                proposal={proposal}
                baseVersion={base.version}
                onConflict={onConflict}
                onInvalid={props.onInvalid}
                onApplied={props.onApplied}
              />
              <PreviewCustomers previewId={preview.id} />
              <PreviewPast
                preview={preview}
                since={since}
                onSince={(next) => {
                  setSince(next);
                  void run.begin(sinceTime(next));
                }}
              />
            </>
          )}
        </div>
      </Page>
    </PreviewStages>
  );
}

function PreviewProgress({ preview, onCancel }: { preview: Preview | undefined; onCancel(): void }) {
  const t = ruleStrings.rulePreview;
  const percent = Math.floor((preview?.progress ?? 0) * 100);
  return (
    <Panel>
      <p role="status">{t.running}</p>
      {preview === undefined ? (
        <TextSkeleton rows={3} />
      ) : (
        <>
          <Progress percent={percent} aria-label={t.running} />
          {preview.total !== null && (
            <p className="secondary">
              {ruleStrings.rollouts.progress(formatNumber(preview.looked), formatNumber(preview.total))}
            </p>
          )}
        </>
      )}
      <Button onClick={onCancel}>{t.cancel}</Button>
    </Panel>
  );
}

/** The preview that is shown; `begin` replaces it. */
function usePreviewRun(proposal: Proposal, first: number | null, onInvalid: (error: Error) => void) {
  const [previewId, setPreviewId] = useState(first);
  const [error, setError] = useState<Error | null>(null);
  const begun = useRef(first !== null);

  async function begin(since: string | null) {
    setError(null);
    setPreviewId(null);
    try {
      setPreviewId(await beginPreview(proposal, since));
    } catch (failure) {
      setError(failure as Error);
      if (failure instanceof Problem && failure.status === 422) onInvalid(failure);
    }
  }

  const latest = useRef(begin);
  latest.current = begin;
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    void latest.current(null);
  }, []);
  return { previewId, error, begin };
}
