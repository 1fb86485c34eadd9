import { useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Modal, Progress } from "antd";
import { useState } from "react";
import { invalidateCustomers, newIdempotencyKey, requestOutreach } from "../../api/mutations";
import type { Outreach } from "../../api/types";
import { errorMessage } from "../../components/error-alert";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { type BulkFailure, runBulkAction } from "./run-bulk-action";

interface Props {
  type: Outreach;
  customers: readonly string[];
  nameOf(id: string): string;
  onClose(finished: boolean): void;
}

/** Dialog of a bulk action: confirmation, progress, result. */
export default function BulkActionModal({ type, customers, nameOf, onClose }: Props) {
  const [step, setStep] = useState<"confirming" | "running" | "finished">("confirming");
  const [targets, setTrying] = useState(customers);
  const [done, setDone] = useState(0);
  const [failures, setRefusals] = useState<readonly BulkFailure[]>([]);
  // One idempotency key per dialog, so that a retry never repeats an action.
  const [idempotencyKey] = useState(newIdempotencyKey);
  const queries = useQueryClient();
  const { actionCentre: t, outreach, common } = strings;
  const actionName = outreach[type];
  const total = customers.length;

  async function run(targetIds: readonly string[]) {
    setStep("running");
    setTrying(targetIds);
    setDone(0);
    const results = await runBulkAction(
      targetIds,
      (id) => requestOutreach(id, type, `${idempotencyKey}.${type}`),
      setDone,
    );
    setRefusals(results);
    setStep("finished");
    await invalidateCustomers(queries, targetIds);
  }

  const failedIds = failures.map(({ customer }) => customer);
  const succeeded = total - failedIds.length;
  const buttons = {
    confirming: [
      <Button key="cancel" onClick={() => onClose(false)}>
        {common.cancel}
      </Button>,
      <Button key="ok" type="primary" onClick={() => void run(customers)}>
        {t.bulkConfirm(actionName, formatNumber(total))}
      </Button>,
    ],
    running: null,
    finished: [
      failedIds.length > 0 && (
        <Button key="again" onClick={() => void run(failedIds)}>
          {t.bulkRetry}
        </Button>
      ),
      <Button key="close" type="primary" onClick={() => onClose(true)}>
        {common.close}
      </Button>,
    ],
  };
  return (
    <Modal
      open
      title={t.bulkTitle(actionName, formatNumber(total), total)}
      footer={buttons[step]}
      closable={step !== "running"}
      mask={{ closable: false }}
      keyboard={step !== "running"}
      onCancel={() => onClose(step === "finished")}
    >
      {step === "confirming" && <p>{t.bulkText[type]}</p>}
      {step === "running" && (
        <Progress
          aria-label={actionName}
          percent={Math.round((done / targets.length) * 100)}
          format={() => t.bulkProgress(formatNumber(done), formatNumber(targets.length))}
        />
      )}
      {step === "finished" && (
        <div role="status" className="bulk-result">
          {succeeded > 0 && (
            <Alert type="success" showIcon title={t.bulkDone(formatNumber(succeeded), succeeded)} />
          )}
          {failedIds.length > 0 && (
            <Alert
              type="error"
              showIcon
              title={t.bulkFailed(formatNumber(failedIds.length), failedIds.length)}
              description={
                <ul>
                  {failures.map(({ customer, error }) => (
                    <li key={customer}>
                      {nameOf(customer)}: {errorMessage(error)}
                    </li>
                  ))}
                </ul>
              }
            />
          )}
          <p className="secondary">{t.bulkResultHint}</p>
        </div>
      )}
    </Modal>
  );
}
