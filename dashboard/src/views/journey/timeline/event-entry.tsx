import { Tag } from "antd";
import type { ReactNode } from "react";
import type { EventEntryData } from "../../../api/types";
import { formatDateTime } from "../../../format/dates";
import { label } from "../../../format/labels";
import { formatMoney, formatNumber } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

export function EventEntry({ event, time }: { event: EventEntryData; time: ReactNode }) {
  const currency = useCurrency();
  const fields = event.fields ?? {};
  const t = strings.journey;
  return (
    <div className="entry">
      <h3>{event.type === null ? t.unknownEvent : label("events", event.type)}</h3>
      <p className="entry-line">
        {time}
        {event.outcome !== "applied" && <Tag color="warning">{label("outcomes", event.outcome)}</Tag>}
        {describeFields(fields, currency).map((detail) => (
          <span key={detail}>{detail}</span>
        ))}
      </p>
      {event.reason && <p className="secondary">{event.reason}</p>}
      {typeof fields.comment === "string" && fields.comment !== "" && (
        <p className="user-text">{fields.comment}</p>
      )}
    </div>
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
  return details;
}
