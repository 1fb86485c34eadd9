import { App, Form, Input, Modal } from "antd";
import { useState } from "react";
import { useRetraction } from "../../../api/mutations";
import { useRetractionPreview, useStages } from "../../../api/queries";
import type { EventEntryData, JourneyFigures } from "../../../api/types";
import { errorMessage } from "../../../components/error-alert";
import { QueryView } from "../../../components/query-view";
import { formatDateTime } from "../../../format/dates";
import { label } from "../../../format/labels";
import { formatMoney, formatNumber, formatShare } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

interface Props {
  customerId: string;
  event: EventEntryData & { id: string };
  onClose(): void;
}

/** Dialog that shows what the retraction of an event would change, and makes it on confirmation. */
export default function RetractEvent({ customerId, event, onClose }: Props) {
  const preview = useRetractionPreview(customerId, event.id);
  const retraction = useRetraction(customerId);
  const [reason, setReason] = useState("");
  const { message } = App.useApp();
  const t = strings.retractions;

  async function retract() {
    try {
      await retraction.mutateAsync({ retracts: event.id, reason: reason.trim() || null });
      message.success(t.done);
      onClose();
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }

  return (
    <Modal
      open
      title={t.title}
      okText={t.confirm}
      cancelText={strings.common.cancel}
      onOk={retract}
      confirmLoading={retraction.isPending}
      okButtonProps={{ danger: true, disabled: preview.data === undefined }}
      onCancel={onClose}
    >
      <p>
        <strong>{label("events", event.type ?? "")}</strong>, {formatDateTime(event.at)}
      </p>
      <p className="secondary">{t.intro}</p>
      <QueryView query={preview} rows={4}>
        {({ before, after, held }) => (
          <>
            <Changes before={before} after={after} />
            {held && <p>{t.held}</p>}
          </>
        )}
      </QueryView>
      <Form layout="vertical">
        <Form.Item label={t.reason} extra={t.reasonHint} htmlFor="retraction-reason">
          <Input.TextArea
            id="retraction-reason"
            rows={2}
            maxLength={1000}
            value={reason}
            onChange={(change) => setReason(change.target.value)}
          />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function Changes({ before, after }: { before: JourneyFigures; after: JourneyFigures }) {
  const t = strings.retractions;
  const shown = useShownFigure();
  const names = Object.keys(t.figures) as (keyof typeof t.figures)[];
  const changed = names.filter((name) => before[name] !== after[name]);
  if (changed.length === 0) return <p>{t.nothing}</p>;
  return (
    <table className="data-table changes">
      <caption className="visually-hidden">{t.changes}</caption>
      <thead>
        <tr>
          <th scope="col">{t.figure}</th>
          <th scope="col">{t.before}</th>
          <th scope="col">{t.after}</th>
        </tr>
      </thead>
      <tbody>
        {changed.map((name) => (
          <tr key={name}>
            <th scope="row">{t.figures[name]}</th>
            <td>{shown(name, before[name])}</td>
            <td>{shown(name, after[name])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Return a function that formats a figure of a journey. */
function useShownFigure() {
  const currency = useCurrency();
  const stages = useStages().data?.stages ?? [];
  return (name: keyof JourneyFigures, value: string | number | null): string => {
    if (value === null) return strings.retractions.none;
    if (name === "stage")
      return stages.find((stage) => stage.stage_key === value)?.stage_name ?? String(value);
    if (typeof value === "string") return formatDateTime(value);
    if (name === "lifetime_value") return formatMoney(value, currency);
    return name.endsWith("_score") ? formatShare(value) : formatNumber(value);
  };
}
