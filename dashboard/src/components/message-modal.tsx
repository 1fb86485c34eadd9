import { Alert, App, Button, Modal } from "antd";
import { useCancelAction, useOutreach } from "../api/mutations";
import { useMessagePreview } from "../api/queries";
import { formatDateTime } from "../format/dates";
import { strings } from "../strings";
import { errorMessage } from "./error-alert";
import { QueryView } from "./query-view";

/** How long the notification offers to undo. The server waits longer, so that a late click still counts. */
const UNDO_SECONDS = 10;
const DELAY_SECONDS = UNDO_SECONDS + 3;

interface Props {
  type: "email" | "offer";
  customerId: string;
  name: string;
  onClose(): void;
}

/** Dialog that shows the message to a customer, and sends it on confirmation. */
export default function MessageModal({ type, customerId, name, onClose }: Props) {
  const preview = useMessagePreview(customerId, type);
  const outreach = useOutreach(customerId);
  const offerUndo = useUndo(customerId);
  const { message } = App.useApp();
  const t = strings.outreach;

  async function send() {
    try {
      const { action } = await outreach.mutateAsync({ type, delaySeconds: DELAY_SECONDS });
      onClose();
      offerUndo(action.id, t.willBeSent[type](name), t.undone[type](name));
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }

  return (
    <Modal
      open
      title={t.confirmTitle[type](name)}
      okText={t.send[type]}
      cancelText={strings.common.cancel}
      onOk={send}
      confirmLoading={outreach.isPending}
      okButtonProps={{ disabled: preview.data === undefined }}
      onCancel={onClose}
    >
      <QueryView query={preview} rows={6}>
        {({ to, subject, text, withheld }) => (
          <div className="message-preview">
            {withheld && (
              <Alert
                type="warning"
                showIcon
                title={
                  withheld.until === null
                    ? t.wouldBeSuppressed(withheld.reason)
                    : t.wouldWait(withheld.reason, formatDateTime(withheld.until))
                }
              />
            )}
            <dl className="key-values">
              <div>
                <dt>{t.to}</dt>
                <dd>{to ?? strings.common.none}</dd>
              </div>
              {subject !== "" && (
                <div>
                  <dt>{t.subject}</dt>
                  <dd>{subject}</dd>
                </div>
              )}
            </dl>
            <p className="user-text message-text">{text}</p>
          </div>
        )}
      </QueryView>
    </Modal>
  );
}

/** Return a function that announces an action and offers to cancel it while that is possible. */
function useUndo(customerId: string) {
  const cancel = useCancelAction(customerId);
  const { notification } = App.useApp();
  return (actionId: number, announcement: string, undone: string) => {
    const key = `action ${actionId}`;
    async function undo() {
      try {
        await cancel.mutateAsync(actionId);
        notification.info({ key, title: undone, duration: 3 });
      } catch (error) {
        notification.error({ key, title: errorMessage(error as Error) });
      }
    }
    notification.success({
      key,
      title: announcement,
      duration: UNDO_SECONDS,
      showProgress: true,
      // The undo button must not stay longer than undoing is possible.
      pauseOnHover: false,
      placement: "bottomRight",
      actions: (
        <Button size="small" onClick={undo}>
          {strings.tasks.undo}
        </Button>
      ),
    });
  };
}
