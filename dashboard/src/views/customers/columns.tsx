import type { Relationship } from "../../api/types";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { RiskBar } from "../../components/risk-bar";
import { StageTag } from "../../components/stage-tag";
import { formatDate, formatDateTime, formatRelative } from "../../format/dates";
import { formatDays } from "../../format/durations";
import { formatMoney, formatNumber } from "../../format/numbers";
import { strings } from "../../strings";

export function columns(currency: string): Column<Relationship>[] {
  const t = strings.customers;
  return [
    {
      key: "name",
      title: t.customer,
      sortable: true,
      render: (row) => <CustomerLink id={row.customer_id} name={row.name} email={row.email} />,
    },
    {
      key: "stage_entered_at",
      title: t.stage,
      sortable: true,
      render: (row) => <Stage row={row} />,
    },
    {
      key: "risk",
      title: t.risk,
      sortable: true,
      width: 150,
      render: (row) => <RiskBar risk={row.risk_score} />,
    },
    {
      key: "days_inactive",
      title: t.inactive,
      sortable: true,
      render: (row) => formatDays(row.days_inactive),
    },
    {
      key: "lifetime_value",
      title: t.value,
      sortable: true,
      align: "right",
      render: (row) =>
        row.lifetime_value === null ? strings.common.none : formatMoney(row.lifetime_value, currency),
    },
    {
      key: "appointments",
      title: t.appointments,
      align: "right",
      render: (row) =>
        row.total_appointments === null ? strings.common.none : formatNumber(row.total_appointments),
    },
    {
      key: "last_appointment_at",
      title: t.lastAppointment,
      sortable: true,
      render: (row) => <Appointments row={row} />,
    },
  ];
}

function Appointments({ row }: { row: Relationship }) {
  const t = strings.customers;
  const { last_appointment_at: last, next_appointment_at: next } = row;
  return (
    <div className="stacked">
      {last === null ? (
        t.never
      ) : (
        <time dateTime={last} title={formatDateTime(last)}>
          {formatDate(last)}
        </time>
      )}
      {next !== null && (
        <small>
          <time dateTime={next} title={formatDateTime(next)}>
            {t.booked(formatDate(next))}
          </time>
        </small>
      )}
    </div>
  );
}

function Stage({ row }: { row: Relationship }) {
  if (row.current_stage === null) return <span className="secondary">{strings.customers.noStage}</span>;
  return (
    <div className="stacked">
      <StageTag stage={row.current_stage} name={row.stage_name ?? row.current_stage} />
      {row.stage_entered_at !== null && <small>{formatRelative(row.stage_entered_at)}</small>}
    </div>
  );
}
