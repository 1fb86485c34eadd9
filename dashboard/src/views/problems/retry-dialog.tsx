import { Alert, Button, Modal, Progress } from "antd";
import { useEffect, useState } from "react";
import { retryActions, useInvalidateActions } from "../../api/action-problems";
import type { ActionProblem } from "../../api/types";
import { errorMessage } from "../../components/error-alert";
import { TextSkeleton } from "../../components/loading";
import { actionLabel } from "../../format/labels";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { type ActionResult, MAX_RETRIES, retryInChunks } from "./retry-in-chunks";

interface Props {
  /** selected actions, or a request for those that match the filter */
  load: () => Promise<readonly ActionProblem[]>;
  onClose(finished: boolean): void;
}

/** Dialog that tries actions again: confirmation, progress, and the result of each. */
export default function RetryDialog({ load, onClose }: Props) {
  const [actions, setActions] = useState<readonly ActionProblem[] | null>(null);
  const [loadError, setLoadError] = useState<Error | null>(null);
  const [step, setStep] = useState<"confirming" | "running" | "finished">("confirming");
  const [running, setRunning] = useState(0);
  const [done, setDone] = useState(0);
  const [results, setResults] = useState<ReadonlyMap<number, ActionResult>>(new Map());
  const invalidateActions = useInvalidateActions();
  const { retryDialog: t, common } = strings;
  useEffect(() => {
    load().then(setActions, setLoadError);
  }, [load]);

  async function run(ids: readonly number[]) {
    setStep("running");
    setRunning(ids.length);
    setDone(0);
    const latest = await retryInChunks(ids, retryActions, setDone);
    setResults((earlier) => new Map([...earlier, ...latest.map((one) => [one.action_id, one] as const)]));
    setStep("finished");
    await invalidateActions();
  }

  const total = actions?.length ?? 0;
  const unconfirmed = [...results.values()].filter(isUnconfirmed).map(({ action_id }) => action_id);
  const close = (
    <Button key="close" type="primary" onClick={() => onClose(true)}>
      {common.close}
    </Button>
  );
  const buttons = {
    confirming: [
      <Button key="cancel" onClick={() => onClose(false)}>
        {common.cancel}
      </Button>,
      <Button
        key="ok"
        type="primary"
        disabled={total === 0}
        onClick={() => void run((actions ?? []).map(({ id }) => id))}
      >
        {t.confirm(formatNumber(total))}
      </Button>,
    ],
    running: null,
    finished: [
      unconfirmed.length > 0 && (
        <Button key="again" onClick={() => void run(unconfirmed)}>
          {t.repeat}
        </Button>
      ),
      close,
    ],
  };
  return (
    <Modal
      open
      title={actions === null ? t.collecting : t.title(formatNumber(total), total)}
      footer={buttons[step]}
      closable={step !== "running"}
      mask={{ closable: false }}
      keyboard={step !== "running"}
      onCancel={() => onClose(step === "finished")}
    >
      {loadError !== null && <Alert type="error" showIcon title={errorMessage(loadError)} />}
      {actions === null && loadError === null && <TextSkeleton rows={2} />}
      {step === "confirming" && actions !== null && (
        <>
          <p>{total === 0 ? t.none : t.text}</p>
          {total === MAX_RETRIES && <p className="secondary">{t.limited(formatNumber(MAX_RETRIES))}</p>}
        </>
      )}
      {step === "running" && (
        <Progress
          aria-label={t.title(formatNumber(running), running)}
          percent={Math.round((done / running) * 100)}
          format={() => t.progress(formatNumber(done), formatNumber(running))}
        />
      )}
      {step === "finished" && <Results actions={actions ?? []} results={results} />}
    </Modal>
  );
}

function Results({
  actions,
  results,
}: {
  actions: readonly ActionProblem[];
  results: ReadonlyMap<number, ActionResult>;
}) {
  const t = strings.retryDialog;
  const retried = [...results.values()].filter(({ outcome }) => outcome === "retried").length;
  const failed = results.size - retried;
  return (
    <div role="status" className="bulk-result">
      {retried > 0 && (
        <Alert
          type="success"
          showIcon
          title={t.done(formatNumber(retried), retried)}
          description={t.doneHint}
        />
      )}
      {failed > 0 && <Alert type="error" showIcon title={t.failed(formatNumber(failed), failed)} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className="retry-results" aria-label={t.results} tabIndex={0}>
        <ul>
          {actions.map((action) => {
            const result = results.get(action.id);
            return (
              result && (
                <li key={action.id}>
                  <span>
                    {t.result(actionLabel(action.action), action.customer_name ?? action.customer_id)}
                  </span>
                  <span className={result.outcome === "retried" ? "secondary" : "error-text"}>
                    {describeResult(result)}
                  </span>
                </li>
              )
            );
          })}
        </ul>
      </section>
    </div>
  );
}

/** Whether trying the action again may still succeed: nobody has refused it. */
function isUnconfirmed({ outcome }: ActionResult): boolean {
  return outcome === "error" || outcome === "not_confirmed";
}

function describeResult(result: ActionResult): string {
  const t = strings.retryDialog;
  if (result.outcome === "error") return result.error === null ? t.notAttempted : errorMessage(result.error);
  if (result.outcome === "retried") return t.retried;
  return result.outcome === "not_found" ? t.notFound : (result.reason ?? "");
}
