import { DeleteOutlined } from "@ant-design/icons";
import { App, Button, Modal, Tag } from "antd";
import type { ReactNode } from "react";
import { useRemoveContact } from "../../../api/mutations";
import type { ContactEntryData } from "../../../api/types";
import { errorMessage } from "../../../components/error-alert";
import { formatDateTime } from "../../../format/dates";
import { useCanEdit } from "../../../session/session";
import { strings } from "../../../strings";

/** How long the API allows a contact to be removed. */
const REMOVABLE_MS = 24 * 60 * 60_000;

interface Props {
  contact: ContactEntryData;
  time: ReactNode;
  customerId: string;
}

export function ContactEntry({ contact, time, customerId }: Props) {
  const canEdit = useCanEdit();
  const t = strings.contacts;
  const title = t.title(t.channels[contact.channel], t.outcomes[contact.outcome]);
  return (
    <div className="entry">
      <h3>{title}</h3>
      <p className="entry-line">
        {time}
        {contact.performed_by_name !== null && <span>{contact.performed_by_name}</span>}
        {contact.follow_up_at !== null && <span>{t.next(formatDateTime(contact.follow_up_at))}</span>}
        {contact.lifted_at !== null && <Tag>{t.lifted}</Tag>}
      </p>
      {contact.note !== null && <p className="user-text">{contact.note}</p>}
      {canEdit && Date.now() - Date.parse(contact.at) < REMOVABLE_MS && (
        <Remove customerId={customerId} contactId={contact.id} title={title} />
      )}
    </div>
  );
}

function Remove({ customerId, contactId, title }: { customerId: string; contactId: number; title: string }) {
  const remove = useRemoveContact(customerId);
  const { message } = App.useApp();
  const [modal, dialog] = Modal.useModal();
  const t = strings.contacts;
  async function handleConfirm() {
    try {
      await remove.mutateAsync(contactId);
      message.success(t.removed);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <>
      <Button
        size="small"
        icon={<DeleteOutlined aria-hidden />}
        loading={remove.isPending}
        aria-label={t.removeOf(title)}
        onClick={() =>
          modal.confirm({
            title: t.removeTitle,
            content: t.removeText,
            okText: t.remove,
            cancelText: strings.common.cancel,
            onOk: handleConfirm,
          })
        }
      >
        {t.remove}
      </Button>
      {dialog}
    </>
  );
}
