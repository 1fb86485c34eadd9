import { Tag } from "antd";
import type { ReactNode } from "react";
import type { LedgerEvent } from "../../../api/shapes";
import { formatDateTime } from "../../../format/dates";
import { label } from "../../../format/labels";
import { formatMoney, formatNumber } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

export function EventShown({ event, when }: { event: LedgerEvent; when: ReactNode }) {
  const currency = useCurrency();
  const fields = event.fields ?? {};
  return (
    <div className="entry">
      <h3>{label("events", event.type)}</h3>
      <p className="entry-line">
        {when}
        {event.outcome !== "applied" && <Tag color="warning">{label("outcomes", event.outcome)}</Tag>}
        {facts(fields, currency).map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
      {event.reason && <p className="quiet">{event.reason}</p>}
      {typeof fields.comment === "string" && fields.comment !== "" && (
        <p className="written">{fields.comment}</p>
      )}
    </div>
  );
}

/** What an event's fields say, in strings; what has no strings is not shown. */
function facts(fields: Record<string, unknown>, currency: string): string[] {
  const said = strings.journey;
  const found: string[] = [];
  const amount = Number(fields.amount);
  if (fields.amount != null && Number.isFinite(amount))
    found.push(said.amount(formatMoney(amount, currency)));
  const seconds = fields.duration_seconds ?? fields.call_duration_seconds;
  if (typeof seconds === "number") found.push(said.seconds(formatNumber(seconds)));
  if (typeof fields.direction === "string") found.push(said.directions[fields.direction] ?? fields.direction);
  if (typeof fields.rating === "number") found.push(said.rating(formatNumber(fields.rating)));
  if (typeof fields.scheduled_for === "string")
    found.push(said.scheduled(formatDateTime(fields.scheduled_for)));
  if (typeof fields.ticket_id === "string") found.push(said.ticket(fields.ticket_id));
  return found;
}
