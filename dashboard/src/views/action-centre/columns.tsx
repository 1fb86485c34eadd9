import { Tag, Tooltip } from "antd";
import type { Outreach, Prediction } from "../../api/types";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { OutreachButton } from "../../components/outreach-button";
import { RiskBar } from "../../components/risk-bar";
import { StageLabel } from "../../components/stage-label";
import { formatCalendarDate, isToday } from "../../format/dates";
import { formatDays } from "../../format/durations";
import { formatMoney, formatShare } from "../../format/numbers";
import { strings } from "../../strings";
import { WhyListed } from "./why-listed";

/** The outreach button for each action that the API recommends. */
const OUTREACH_BY_RECOMMENDATION: Record<string, Outreach> = {
  personal_call: "call",
  special_offer: "offer",
  email_campaign: "email",
};

export function columns(currency: string, canEdit: boolean): Column<Prediction>[] {
  const t = strings.actionCentre;
  const columns: Column<Prediction>[] = [
    {
      key: "name",
      title: t.customer,
      render: (row) => (
        <div className="stacked">
          <CustomerLink id={row.customer_id} name={row.name} email={row.email} />
          <div className="stage-and-why">
            <StageLabel stage={row.current_stage} name={row.stage_name} />
            <WhyListed row={row} />
          </div>
          {row.contacted_at !== null && isToday(row.contacted_at) && (
            <Tag color="success">{strings.outreach.contactedToday}</Tag>
          )}
        </div>
      ),
    },
    {
      key: "risk_score",
      title: t.risk,
      sortable: true,
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
      render: (row) => formatMoney(row.lifetime_value, currency),
    },
    {
      key: "return_probability",
      title: t.returnProbability,
      sortable: true,
      align: "right",
      render: (row) =>
        row.return_probability == null ? (
          <span className="secondary">{t.unknown}</span>
        ) : (
          formatShare(row.return_probability)
        ),
    },
    {
      key: "predicted_churn_date",
      title: t.predictedChurn,
      sortable: true,
      render: (row) => <ChurnDate row={row} />,
    },
  ];
  if (canEdit)
    columns.push({ key: "actions", title: t.recommended, render: (row) => <RecommendedActions row={row} /> });
  return columns;
}

function ChurnDate({ row }: { row: Prediction }) {
  if (row.predicted_churn_date === null) return <span className="secondary">{strings.common.none}</span>;
  const day = <time dateTime={row.predicted_churn_date}>{formatCalendarDate(row.predicted_churn_date)}</time>;
  const basis = strings.actionCentre.predictedBy[row.predicted_by ?? ""];
  return basis === undefined ? day : <Tooltip title={basis}>{day}</Tooltip>;
}

function RecommendedActions({ row }: { row: Prediction }) {
  const types = row.retention_actions
    .map(({ type }) => OUTREACH_BY_RECOMMENDATION[type])
    .filter((type) => type !== undefined);
  return (
    <div className="buttons compact">
      {types.map((type) => (
        <OutreachButton key={type} type={type} customerId={row.customer_id} name={row.name} small />
      ))}
    </div>
  );
}
