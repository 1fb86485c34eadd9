import { Tooltip } from "antd";
import type { Outreach } from "../../api/mutations";
import type { Prediction } from "../../api/shapes-of-work";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { OutreachButton } from "../../components/outreach-button";
import { RiskBar } from "../../components/risk-bar";
import { formatCalendarDate } from "../../format/dates";
import { formatDays } from "../../format/durations";
import { formatMoney, formatShare } from "../../format/numbers";
import { strings } from "../../strings";

/** What the gateway recommends, and the button that does it. */
const DOES: Record<string, Outreach> = {
  personal_call: "call",
  special_offer: "offer",
  email_campaign: "email",
};

export function columns(currency: string, canEdit: boolean): Column<Prediction>[] {
  const said = strings.actionCentre;
  const shown: Column<Prediction>[] = [
    {
      key: "name",
      title: said.customer,
      render: (row) => <CustomerLink id={row.customer_id} name={row.name} email={row.email} />,
    },
    {
      key: "risk_score",
      title: said.risk,
      sortable: true,
      render: (row) => <RiskBar risk={row.risk_score} />,
    },
    {
      key: "days_inactive",
      title: said.inactive,
      sortable: true,
      render: (row) => formatDays(row.days_inactive),
    },
    {
      key: "lifetime_value",
      title: said.value,
      sortable: true,
      align: "right",
      render: (row) => formatMoney(row.lifetime_value, currency),
    },
    {
      key: "return_probability",
      title: said.returns,
      sortable: true,
      align: "right",
      render: (row) =>
        row.return_probability == null ? (
          <span className="quiet">{said.returnsUnknown}</span>
        ) : (
          formatShare(row.return_probability)
        ),
    },
    {
      key: "predicted_churn_date",
      title: said.churns,
      sortable: true,
      render: (row) => <Churns row={row} />,
    },
  ];
  if (canEdit)
    shown.push({ key: "actions", title: said.recommended, render: (row) => <Recommended row={row} /> });
  return shown;
}

function Churns({ row }: { row: Prediction }) {
  if (row.predicted_churn_date === null) return <span className="quiet">{strings.common.none}</span>;
  const day = <time dateTime={row.predicted_churn_date}>{formatCalendarDate(row.predicted_churn_date)}</time>;
  const why = strings.actionCentre.predictedBy[row.predicted_by ?? ""];
  return why === undefined ? day : <Tooltip title={why}>{day}</Tooltip>;
}

function Recommended({ row }: { row: Prediction }) {
  const types = row.retention_actions.map(({ type }) => DOES[type]).filter((type) => type !== undefined);
  return (
    <div className="buttons tight">
      {types.map((type) => (
        <OutreachButton key={type} type={type} customerId={row.customer_id} name={row.name} small />
      ))}
    </div>
  );
}
