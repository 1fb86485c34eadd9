import { useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Modal, Progress } from "antd";
import { useState } from "react";
import { invalidateCustomers, newIdempotencyKey, type Outreach, requestOutreach } from "../../api/mutations";
import { errorMessage } from "../../components/error-alert";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { type Refusal, runAll } from "./run-bulk-action";

interface Props {
  type: Outreach;
  customers: readonly string[];
  nameOf(id: string): string;
  close(finished: boolean): void;
}

/** Asks first, then does it for one after the other, then says what became of it. */
export default function BulkModal({ type, customers, nameOf, close }: Props) {
  const [step, setStep] = useState<"asking" | "running" | "finished">("asking");
  const [trying, setTrying] = useState(customers);
  const [done, setDone] = useState(0);
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  // One for each press of the button: who is tried again is not asked for twice.
  const [idempotencyKey] = useState(newIdempotencyKey);
  const queries = useQueryClient();
  const { actionCentre: said, outreach, common } = strings;
  const what = outreach[type];
  const total = customers.length;

  async function run(some: readonly string[]) {
    setStep("running");
    setTrying(some);
    setDone(0);
    const refused = await runAll(
      some,
      (id) => requestOutreach(id, type, `${idempotencyKey}.${type}`),
      setDone,
    );
    setRefusals(refused);
    setStep("finished");
    await invalidateCustomers(queries, some);
  }

  const failed = refusals.map(({ customer }) => customer);
  const succeeded = total - failed.length;
  const buttons = {
    asking: [
      <Button key="cancel" onClick={() => close(false)}>
        {common.cancel}
      </Button>,
      <Button key="ok" type="primary" onClick={() => void run(customers)}>
        {said.bulkOk(what, formatNumber(total))}
      </Button>,
    ],
    running: null,
    finished: [
      failed.length > 0 && (
        <Button key="again" onClick={() => void run(failed)}>
          {said.bulkRetry}
        </Button>
      ),
      <Button key="close" type="primary" onClick={() => close(true)}>
        {common.close}
      </Button>,
    ],
  };
  return (
    <Modal
      open
      title={said.bulkTitle(what, formatNumber(total), total)}
      footer={buttons[step]}
      closable={step !== "running"}
      mask={{ closable: false }}
      keyboard={step !== "running"}
      onCancel={() => close(step === "finished")}
    >
      {step === "asking" && <p>{said.bulkText[type]}</p>}
      {step === "running" && (
        <Progress
          aria-label={what}
          percent={Math.round((done / trying.length) * 100)}
          format={() => said.bulkProgress(formatNumber(done), formatNumber(trying.length))}
        />
      )}
      {step === "finished" && (
        <div role="status" className="outcome">
          {succeeded > 0 && (
            <Alert type="success" showIcon title={said.bulkDone(formatNumber(succeeded), succeeded)} />
          )}
          {failed.length > 0 && (
            <Alert
              type="error"
              showIcon
              title={said.bulkFailed(formatNumber(failed.length), failed.length)}
              description={
                <ul>
                  {refusals.map(({ customer, error }) => (
                    <li key={customer}>
                      {nameOf(customer)}: {errorMessage(error)}
                    </li>
                  ))}
                </ul>
              }
            />
          )}
          <p className="quiet">{said.bulkOutcome}</p>
        </div>
      )}
    </Modal>
  );
}
