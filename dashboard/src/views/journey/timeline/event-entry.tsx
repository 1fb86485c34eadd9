import { UndoOutlined } from "@ant-design/icons";
import { Button, Tag } from "antd";
import { type ReactNode, useState } from "react";
import type { EventEntryData } from "../../../api/types";
import { lazyComponent } from "../../../components/lazy-component";
import { formatDateTime } from "../../../format/dates";
import { label } from "../../../format/labels";
import { formatMoney, formatNumber } from "../../../format/numbers";
import { useCanRetract, useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

const RetractEvent = lazyComponent(() => import("./retract-event"), null);

interface Props {
  event: EventEntryData;
  time: ReactNode;
  customerId: string;
}

export function EventEntry({ event, time, customerId }: Props) {
  const currency = useCurrency();
  const canRetract = useCanRetract();
  const fields = event.fields ?? {};
  const t = strings.journey;
  const title = event.type === null ? t.unknownEvent : label("events", event.type);
  const isRetracted = event.retracted_by !== null;
  return (
    <div className={isRetracted ? "entry retracted" : "entry"}>
      <h3>{isRetracted ? <del>{title}</del> : title}</h3>
      <p className="entry-line">
        {time}
        {isRetracted && <Tag>{strings.retractions.retracted}</Tag>}
        {event.outcome !== "applied" && <Tag color="warning">{label("outcomes", event.outcome)}</Tag>}
        {describeFields(fields, currency).map((detail) => (
          <span key={detail}>{detail}</span>
        ))}
      </p>
      {event.reason && <p className="secondary">{event.reason}</p>}
      {typeof fields.comment === "string" && fields.comment !== "" && (
        <p className="user-text">{fields.comment}</p>
      )}
      {event.type === "event.retracted" && typeof fields.reason === "string" && (
        <p className="user-text">{fields.reason}</p>
      )}
      {event.retraction && <RetractedBy retraction={event.retraction} />}
      {canRetract && isRetractable(event) && (
        <RetractButton event={event} title={title} customerId={customerId} />
      )}
    </div>
  );
}

type Retractable = EventEntryData & { id: string };

function isRetractable(event: EventEntryData): event is Retractable {
  return (
    event.outcome === "applied" &&
    event.id !== null &&
    event.retracted_by === null &&
    event.type !== "event.retracted"
  );
}

function RetractedBy({ retraction }: { retraction: NonNullable<EventEntryData["retraction"]> }) {
  const t = strings.retractions;
  return (
    <>
      <p className="secondary">{t.retractedBy(formatDateTime(retraction.at), retraction.performed_by)}</p>
      {retraction.reason && <p className="user-text">{t.because(retraction.reason)}</p>}
    </>
  );
}

function RetractButton({
  event,
  title,
  customerId,
}: {
  event: Retractable;
  title: string;
  customerId: string;
}) {
  const [isOpen, setIsOpen] = useState(false);
  const t = strings.retractions;
  return (
    <>
      <Button
        size="small"
        type="text"
        className="retract"
        icon={<UndoOutlined aria-hidden />}
        aria-label={t.openFor(title, formatDateTime(event.at))}
        onClick={() => setIsOpen(true)}
      >
        {t.open}
      </Button>
      {isOpen && <RetractEvent event={event} customerId={customerId} onClose={() => setIsOpen(false)} />}
    </>
  );
}

/** Describe the known fields of an event; unknown fields are not shown. */
function describeFields(fields: Record<string, unknown>, currency: string): string[] {
  const t = strings.journey;
  const details: string[] = [];
  const amount = Number(fields.amount);
  if (fields.amount != null && Number.isFinite(amount)) details.push(t.amount(formatMoney(amount, currency)));
  const seconds = fields.duration_seconds ?? fields.call_duration_seconds;
  if (typeof seconds === "number") details.push(t.seconds(formatNumber(seconds)));
  if (typeof fields.direction === "string") details.push(t.directions[fields.direction] ?? fields.direction);
  if (typeof fields.rating === "number") details.push(t.rating(formatNumber(fields.rating)));
  if (typeof fields.scheduled_for === "string")
    details.push(t.scheduled(formatDateTime(fields.scheduled_for)));
  if (typeof fields.merged === "string") details.push(strings.merges.mergedId(fields.merged));
  if (typeof fields.ticket_id === "string") details.push(t.ticket(fields.ticket_id));
  if (typeof fields.retracts === "string") details.push(strings.retractions.of(fields.retracts));
  return details;
}
