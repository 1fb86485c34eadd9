import { ReloadOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import type { ReactNode } from "react";
import { useRetryAction } from "../../../api/mutations";
import type { ActionEntryData } from "../../../api/types";
import { ActionStatus, isActionFailing } from "../../../components/action-status";
import { errorMessage } from "../../../components/error-alert";
import { actionLabel } from "../../../format/labels";
import { formatNumber } from "../../../format/numbers";
import { useCanEdit } from "../../../session/session";
import { strings } from "../../../strings";

interface Props {
  action: ActionEntryData;
  time: ReactNode;
  customerId: string;
}

export function ActionEntry({ action, time, customerId }: Props) {
  const t = strings.journey;
  const note = action.detail?.note;
  const canEdit = useCanEdit();
  const isFailing = isActionFailing(action);
  return (
    <div className="entry">
      <h3>{actionLabel(action.action)}</h3>
      <p className="entry-line">
        {time}
        <ActionStatus action={action} />
        {action.attempts > 1 && <span>{t.attempts(formatNumber(action.attempts), action.attempts)}</span>}
      </p>
      {action.reason && <p className="secondary">{action.reason}</p>}
      {action.last_error && (
        <p className={isFailing || action.status === "failed" ? "error-text" : "secondary"}>
          {action.last_error}
        </p>
      )}
      {typeof note === "string" && note !== "" && <p className="user-text">{note}</p>}
      {canEdit && (action.status === "failed" || action.status === "suppressed") && (
        <Retry customerId={customerId} action={action} />
      )}
    </div>
  );
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
