import { Tag } from "antd";
import type { ReactNode } from "react";
import type { DuplicatePair } from "../../api/types";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";

type Customer = DuplicatePair["customers"][number];

const COLOURS = { strong: "green", likely: "blue", weak: "default" } as const;

export function nameOf(customer: Customer): string {
  return customer.name ?? customer.customer_id;
}

/** The columns of the list; `actions` is null for users who may only read. */
export function columns(actions: ((pair: DuplicatePair) => ReactNode) | null): Column<DuplicatePair>[] {
  const t = strings.duplicates;
  const actionsColumn: Column<DuplicatePair> = {
    key: "actions",
    title: "",
    align: "right",
    render: (pair) => actions?.(pair),
  };
  return [
    { key: "first", title: t.first, render: ({ customers: [one] }) => one && <Side customer={one} /> },
    { key: "second", title: t.second, render: ({ customers: [, two] }) => two && <Side customer={two} /> },
    {
      key: "reason",
      title: t.reason,
      render: ({ reasons }) => reasons.map((reason) => t.reasons[reason]).join(", "),
    },
    {
      key: "strength",
      title: t.sureness,
      render: ({ strength }) => <Tag color={COLOURS[strength]}>{t.strengths[strength]}</Tag>,
    },
    ...(actions === null ? [] : [actionsColumn]),
  ];
}

function Side({ customer }: { customer: Customer }) {
  const visits = strings.duplicates.visits(
    formatNumber(customer.total_appointments),
    customer.total_appointments,
  );
  return (
    <div className="stacked">
      <CustomerLink id={customer.customer_id} name={customer.name} email={customer.email} />
      <small>{[customer.phone, visits].filter(Boolean).join(" · ")}</small>
    </div>
  );
}
