import { App, Button } from "antd";
import { useRecordContact, useRemoveContact } from "../api/mutations";
import type { NewContact } from "../api/types";
import { strings } from "../strings";
import { errorMessage } from "./error-alert";

/** How long the notification offers to undo. Later, the timeline does. */
const UNDO_SECONDS = 10;
/** One notification at a time: those of several calls in a row would cover the list. */
const KEY = "contact";

/** Record contacts with a customer, and offer to undo each. */
export function useRecorder(customerId: string, name: string) {
  const recording = useRecordContact(customerId);
  const removal = useRemoveContact(customerId);
  const { notification } = App.useApp();
  const t = strings.contacts;

  async function undo(contactId: number) {
    try {
      await removal.mutateAsync(contactId);
      notification.info({ key: KEY, title: t.undone(name), duration: 3, placement: "bottomRight" });
    } catch (error) {
      notification.error({ key: KEY, title: errorMessage(error as Error), placement: "bottomRight" });
    }
  }

  /** Record a contact. Returns null, or what the problem is. */
  async function record(contact: NewContact, idempotencyKey: string): Promise<string | null> {
    let contactId: number;
    try {
      contactId = (await recording.mutateAsync({ contact, idempotencyKey })).contact.id;
    } catch (error) {
      return errorMessage(error as Error);
    }
    notification.success({
      key: KEY,
      title: t.saved(name, t.outcomes[contact.outcome]),
      duration: UNDO_SECONDS,
      showProgress: true,
      pauseOnHover: false,
      placement: "bottomRight",
      actions: (
        <Button size="small" onClick={() => void undo(contactId)}>
          {strings.tasks.undo}
        </Button>
      ),
    });
    return null;
  }

  return { record, isPending: recording.isPending };
}
