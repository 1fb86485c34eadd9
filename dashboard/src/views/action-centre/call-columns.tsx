import { Tooltip } from "antd";
import type { CallListRow, DueRow } from "../../api/types";
import { ContactButton } from "../../components/contact-button";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { OutreachButton } from "../../components/outreach-button";
import { StageLabel } from "../../components/stage-label";
import { formatDate } from "../../format/dates";
import { formatMoney, formatNumber, formatShare } from "../../format/numbers";
import { phoneLink } from "../../format/phone";
import { strings } from "../../strings";

export function callColumns(currency: string, canEdit: boolean): Column<CallListRow>[] {
  const t = strings.callList;
  const columns: Column<CallListRow>[] = [
    { key: "name", title: strings.actionCentre.customer, render: (row) => <Customer row={row} /> },
    { key: "phone", title: t.phone, render: (row) => <PhoneNumber row={row} /> },
    {
      key: "value_at_stake",
      title: t.atStake,
      align: "right",
      render: (row) => <AtStake row={row} currency={currency} />,
    },
  ];
  if (canEdit) columns.push({ key: "actions", title: t.actions, render: (row) => <Actions row={row} /> });
  return columns;
}

export function dueColumns(canEdit: boolean): Column<DueRow>[] {
  const t = strings.callList;
  const columns: Column<DueRow>[] = [
    { key: "name", title: strings.actionCentre.customer, render: (row) => <Customer row={row} /> },
    { key: "phone", title: t.phone, render: (row) => <PhoneNumber row={row} /> },
    {
      key: "expected_at",
      title: t.expected,
      render: (row) =>
        row.expected_at && <time dateTime={row.expected_at}>{formatDate(row.expected_at)}</time>,
    },
  ];
  if (canEdit) columns.push({ key: "actions", title: t.actions, render: (row) => <Actions row={row} /> });
  return columns;
}

function Customer({ row }: { row: CallListRow | DueRow }) {
  return (
    <div className="stacked">
      <CustomerLink id={row.customer_id} name={row.name} email={row.email} />
      <StageLabel stage={row.current_stage} name={row.stage_name} />
      <span className="list-reason">{row.reason}</span>
    </div>
  );
}

function PhoneNumber({ row }: { row: CallListRow | DueRow }) {
  if (row.phone === null) return <span className="secondary">{strings.callList.noPhone}</span>;
  return <a href={phoneLink(row.phone_e164 ?? row.phone)}>{row.phone}</a>;
}

/** The value at stake, and below it the three numbers whose product it is. */
function AtStake({ row, currency }: { row: CallListRow; currency: string }) {
  const t = strings.callList;
  const explanation = [
    row.usual_interval_days === null ? t.formulaWithoutRhythm : t.formula,
    ...row.substitutions.map((name) => t.substitutions[name]),
  ].join(" ");
  return (
    <div className="at-stake">
      <strong>{formatMoney(row.value_at_stake, currency)}</strong>
      <Tooltip title={explanation} trigger={["hover", "focus"]}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the tooltip also opens on focus */}
        <small tabIndex={0}>{factors(row, currency)}</small>
      </Tooltip>
    </div>
  );
}

function factors(row: CallListRow, currency: string): string {
  const t = strings.callList;
  const share = formatShare(1 - (row.return_probability ?? 0));
  const { usual_interval_days: days, mean_amount: mean, lifetime_value: value } = row;
  if (days === null)
    return t.perYear(formatMoney(value, currency), formatNumber(row.years_as_customer), share);
  const amount = mean ?? (row.value_per_year * days) / 365;
  return t.visits(formatMoney(amount, currency), formatNumber(days), share);
}

function Actions({ row }: { row: CallListRow | DueRow }) {
  return (
    <div className="buttons compact">
      <ContactButton customer={row} small />
      <OutreachButton type="email" customerId={row.customer_id} name={row.name} small />
      <OutreachButton type="offer" customerId={row.customer_id} name={row.name} small />
    </div>
  );
}
