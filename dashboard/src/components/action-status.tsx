import { Tag } from "antd";
import type { Action } from "../api/types";
import { formatRelative, formatTime } from "../format/dates";
import { label } from "../format/labels";
import { strings } from "../strings";

const COLOURS: Record<string, string> = {
  failed: "error",
  succeeded: "success",
  waiting: "warning",
  pending: "processing",
  open: "processing",
  running: "processing",
  done: "success",
  completed: "success",
  sent: "success",
};
const MESSAGE_CHANNELS = ["email", "sms", "webhook"];

interface Props {
  action: Pick<
    Action,
    "status" | "last_error" | "attempts" | "due_at" | "channel" | "waits_for" | "work_status"
  >;
}

/** The status of an action as a tag; of an unfinished one also when it is due or tried again. */
export function ActionStatus({ action }: Props) {
  const t = strings.journey;
  const status = shownStatus(action);
  const isFailing = isActionFailing(action);
  return (
    <>
      <Tag color={isFailing ? "error" : (COLOURS[status] ?? "default")}>
        {isFailing ? t.failing : label("statuses", status)}
      </Tag>
      {isUnfinished(action) && <span>{isFailing ? nextTry(action.due_at) : due(action)}</span>}
    </>
  );
}

/** The state of the task or campaign that the action created, which is not done when it is created; else its own. */
function shownStatus({ status, channel, work_status }: Props["action"]): string {
  if (work_status !== null) return work_status;
  return status === "succeeded" && MESSAGE_CHANNELS.includes(channel ?? "") ? "sent" : status;
}

/** Whether the last attempt failed and another one follows. */
export function isActionFailing(action: Props["action"]): boolean {
  return isUnfinished(action) && action.last_error !== null && action.attempts > 0;
}

function isUnfinished({ status }: Props["action"]): boolean {
  return status === "pending" || status === "waiting";
}

function due(action: Props["action"]): string {
  const t = strings.journey;
  const when = formatRelative(action.due_at);
  return action.waits_for === "profile" ? t.waitsForProfile(when) : t.due(when);
}

/** Describe when a failing action is tried again: its due time, or soon if that has passed. */
function nextTry(dueAt: string): string {
  const t = strings.journey;
  return Date.parse(dueAt) > Date.now() ? t.nextTryAt(formatTime(dueAt)) : t.nextTrySoon;
}
