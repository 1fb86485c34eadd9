import { Tag } from "antd";
import { formatRelative, formatTime } from "../format/dates";
import { label } from "../format/labels";
import { strings } from "../strings";

const COLOURS: Record<string, string> = {
  failed: "error",
  succeeded: "success",
  waiting: "warning",
  pending: "processing",
  open: "processing",
};

interface Props {
  action: { status: string; last_error: string | null; attempts: number; due_at: string };
  /** shown instead of the action's own status */
  status?: string;
}

/** The status of an action as a tag; of an unfinished one also when it is due or tried again. */
export function ActionStatus({ action, status = action.status }: Props) {
  const t = strings.journey;
  const isFailing = isActionFailing(action);
  return (
    <>
      <Tag color={isFailing ? "error" : (COLOURS[status] ?? "default")}>
        {isFailing ? t.failing : label("statuses", status)}
      </Tag>
      {isUnfinished(action) && (
        <span>{isFailing ? nextTry(action.due_at) : t.due(formatRelative(action.due_at))}</span>
      )}
    </>
  );
}

/** Whether the last attempt failed and another one follows. */
export function isActionFailing(action: Props["action"]): boolean {
  return isUnfinished(action) && action.last_error !== null && action.attempts > 0;
}

function isUnfinished({ status }: Props["action"]): boolean {
  return status === "pending" || status === "waiting";
}

/** Describe when a failing action is tried again: its due time, or soon if that has passed. */
function nextTry(dueAt: string): string {
  const t = strings.journey;
  return Date.parse(dueAt) > Date.now() ? t.nextTryAt(formatTime(dueAt)) : t.nextTrySoon;
}
