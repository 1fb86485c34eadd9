import { ReloadOutlined } from "@ant-design/icons";
import { App, Button, Tag } from "antd";
import type { ReactNode } from "react";
import { useRetryAction } from "../../../api/mutations";
import type { ActionEntryData } from "../../../api/types";
import { errorMessage } from "../../../components/error-alert";
import { formatRelative, formatTime } from "../../../format/dates";
import { actionLabel, label } from "../../../format/labels";
import { formatNumber } from "../../../format/numbers";
import { useCanEdit } from "../../../session/session";
import { strings } from "../../../strings";

const COLOURS: Record<string, string> = {
  failed: "error",
  succeeded: "success",
  waiting: "warning",
  pending: "processing",
  open: "processing",
  running: "processing",
  done: "success",
  completed: "success",
};

const MESSAGE_CHANNELS = ["email", "sms", "webhook"];

interface Props {
  action: ActionEntryData;
  time: ReactNode;
  customerId: string;
}

export function ActionEntry({ action, time, customerId }: Props) {
  const t = strings.journey;
  const isOpen = action.status === "pending" || action.status === "waiting";
  const note = action.detail?.note;
  const canEdit = useCanEdit();
  const status = shownStatus(action);
  const isFailing = isOpen && action.last_error !== null && action.attempts > 0;
  return (
    <div className="entry">
      <h3>{actionLabel(action.action)}</h3>
      <p className="entry-line">
        {time}
        <Tag color={isFailing ? "error" : (COLOURS[status] ?? "default")}>
          {isFailing ? t.failing : label("statuses", status)}
        </Tag>
        {isOpen && <span>{isFailing ? nextTry(action.due_at) : due(action)}</span>}
        {action.attempts > 1 && <span>{t.attempts(formatNumber(action.attempts), action.attempts)}</span>}
      </p>
      {action.reason && <p className="secondary">{action.reason}</p>}
      {action.last_error && (
        <p className={isFailing || status === "failed" ? "error-text" : "secondary"}>{action.last_error}</p>
      )}
      {typeof note === "string" && note !== "" && <p className="user-text">{note}</p>}
      {canEdit && (action.status === "failed" || action.status === "suppressed") && (
        <Retry customerId={customerId} action={action} />
      )}
    </div>
  );
}

/** Describe when a failing action is tried again: its due time, or soon if that has passed. */
function nextTry(dueAt: string): string {
  const t = strings.journey;
  return Date.parse(dueAt) > Date.now() ? t.nextTryAt(formatTime(dueAt)) : t.nextTrySoon;
}

function due(action: ActionEntryData): string {
  const t = strings.journey;
  const when = formatRelative(action.due_at);
  return action.waits_for === "profile" ? t.waitsForProfile(when) : t.due(when);
}

/** The state of the task or campaign that the action created, which is not done when it is created; else its own. */
function shownStatus(action: ActionEntryData): string {
  if (action.work_status !== null) return action.work_status;
  const isMessage = action.status === "succeeded" && MESSAGE_CHANNELS.includes(action.channel ?? "");
  return isMessage ? "sent" : action.status;
}

function Retry({ customerId, action }: { customerId: string; action: ActionEntryData }) {
  const retry = useRetryAction(customerId);
  const { message } = App.useApp();
  const t = strings.journey;
  async function handleRetry() {
    try {
      await retry.mutateAsync(action.id);
      message.success(t.retried);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <Button
      size="small"
      icon={<ReloadOutlined aria-hidden />}
      loading={retry.isPending}
      onClick={handleRetry}
      aria-label={t.retryOf(actionLabel(action.action))}
    >
      {t.retry}
    </Button>
  );
}
