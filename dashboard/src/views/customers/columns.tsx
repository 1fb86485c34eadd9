import type { Relationship } from "../../api/shapes";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { RiskBar } from "../../components/risk-bar";
import { StageTag } from "../../components/stage-tag";
import { day, moment, relative } from "../../format/dates";
import { inDays } from "../../format/durations";
import { money, number } from "../../format/numbers";
import { strings } from "../../strings";

export function columns(currency: string): Column<Relationship>[] {
  const said = strings.customers;
  return [
    {
      key: "name",
      title: said.customer,
      sorts: true,
      render: (row) => <CustomerLink id={row.customer_id} name={row.name} email={row.email} />,
    },
    {
      key: "stage_entered_at",
      title: said.stage,
      sorts: true,
      render: (row) => (
        <div className="stacked">
          <StageTag stage={row.current_stage} name={row.stage_name} />
          <small>{relative(row.stage_entered_at)}</small>
        </div>
      ),
    },
    {
      key: "risk",
      title: said.risk,
      sorts: true,
      width: 150,
      render: (row) => <RiskBar risk={row.risk_score} />,
    },
    { key: "days_inactive", title: said.inactive, sorts: true, render: (row) => inDays(row.days_inactive) },
    {
      key: "lifetime_value",
      title: said.value,
      sorts: true,
      align: "right",
      render: (row) => money(row.lifetime_value, currency),
    },
    {
      key: "appointments",
      title: said.appointments,
      align: "right",
      render: (row) => number(row.total_appointments),
    },
    {
      key: "last_appointment_at",
      title: said.lastAppointment,
      sorts: true,
      render: (row) =>
        row.last_appointment_at === null ? (
          said.never
        ) : (
          <time dateTime={row.last_appointment_at} title={moment(row.last_appointment_at)}>
            {day(row.last_appointment_at)}
          </time>
        ),
    },
  ];
}
