import { ReloadOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { ActionProblem } from "../../api/types";
import { ActionStatus } from "../../components/action-status";
import { CustomerLink } from "../../components/customer-link";
import type { Column } from "../../components/data-list";
import { formatDateTime, formatRelative } from "../../format/dates";
import { actionLabel } from "../../format/labels";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";

/** Whether an action can be tried again: the others continue by themselves. */
export function isRetryable({ problem }: ActionProblem): boolean {
  return problem === "failed" || problem === "suppressed";
}

/** The columns of the list; `onRetry` is null for users who may only read. */
export function columns(onRetry: ((action: ActionProblem) => void) | null): Column<ActionProblem>[] {
  const t = strings.problems;
  const retryColumn: Column<ActionProblem> = {
    key: "retry",
    title: "",
    align: "right",
    render: (row) =>
      isRetryable(row) && (
        <Button
          size="small"
          icon={<ReloadOutlined aria-hidden />}
          aria-label={t.retryOf(actionLabel(row.action), row.customer_name ?? row.customer_id)}
          onClick={() => onRetry?.(row)}
        >
          {t.retry}
        </Button>
      ),
  };
  return [
    {
      key: "customer",
      title: t.customer,
      render: (row) => <CustomerLink id={row.customer_id} name={row.customer_name} />,
    },
    { key: "action", title: t.action, render: (row) => actionLabel(row.action) },
    {
      key: "status",
      title: t.status,
      render: (row) => (
        <div className="stacked action-status">
          <ActionStatus action={row} />
        </div>
      ),
    },
    { key: "reason", title: t.reason, render: (row) => <Reason action={row} /> },
    {
      key: "updated",
      title: t.updated,
      render: (row) => (
        <div className="stacked">
          <time dateTime={row.updated_at} title={formatDateTime(row.updated_at)}>
            {formatRelative(row.updated_at)}
          </time>
          {row.attempts > 0 && (
            <small>{strings.journey.attempts(formatNumber(row.attempts), row.attempts)}</small>
          )}
        </div>
      ),
    },
    ...(onRetry === null ? [] : [retryColumn]),
  ];
}

/** Why the action failed or was held back. */
function Reason({ action }: { action: ActionProblem }) {
  const isFailure = action.problem === "failed" || action.problem === "failing";
  const text = isFailure ? action.last_error : (action.reason ?? action.last_error);
  return (
    <span className={`problem-reason ${isFailure ? "error-text" : ""}`}>{text ?? strings.common.none}</span>
  );
}
