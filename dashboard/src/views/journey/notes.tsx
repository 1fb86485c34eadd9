import { EditOutlined } from "@ant-design/icons";
import { App, Button, Form, Input } from "antd";
import { useState } from "react";
import { useSaveNotes } from "../../api/mutations";
import { Problem } from "../../api/problem";
import type { Journey } from "../../api/types";
import { errorMessage } from "../../components/error-alert";
import { Panel } from "../../components/panel";
import { strings } from "../../strings";

const MAX_LENGTH = 10_000;

/** Staff notes about a customer. */
export function Notes({ journey, editable }: { journey: Journey; editable: boolean }) {
  const [editing, setEditing] = useState(false);
  const t = strings.journey;
  const notes = journey.notes ?? null;
  const edit = (
    <Button size="small" icon={<EditOutlined aria-hidden />} onClick={() => setEditing(true)}>
      {notes === null ? t.addNotes : t.editNotes}
    </Button>
  );
  return (
    <Panel title={t.notes} extra={editable && !editing && edit}>
      {editing ? (
        <NotesForm customerId={journey.customer_id} notes={notes} onClose={() => setEditing(false)} />
      ) : (
        <p className={notes === null ? "secondary" : "user-text"}>{notes ?? t.noNotes}</p>
      )}
    </Panel>
  );
}

function NotesForm({
  customerId,
  notes,
  onClose,
}: {
  customerId: string;
  notes: string | null;
  onClose(): void;
}) {
  // The notes when editing began. The API rejects the save if somebody else has changed them since.
  const [previous] = useState(notes);
  const [error, setError] = useState<string | null>(null);
  const save = useSaveNotes(customerId);
  const { message } = App.useApp();
  const t = strings.journey;

  async function submit({ text = "" }: { text?: string }) {
    try {
      await save.mutateAsync({ notes: text.trim() === "" ? null : text, previous });
      message.success(t.savedNotes);
      onClose();
    } catch (reason) {
      const isConflict = reason instanceof Problem && reason.status === 409;
      setError(isConflict ? t.staleNotes : errorMessage(reason as Error));
    }
  }

  return (
    <Form layout="vertical" onFinish={submit} initialValues={{ text: notes ?? "" }}>
      <Form.Item name="text" validateStatus={error === null ? "" : "error"} help={error}>
        <Input.TextArea
          aria-label={t.notes}
          autoSize={{ minRows: 4, maxRows: 16 }}
          maxLength={MAX_LENGTH}
          autoFocus
        />
      </Form.Item>
      <div className="buttons">
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {t.saveNotes}
        </Button>
        <Button onClick={onClose}>{strings.common.cancel}</Button>
      </div>
    </Form>
  );
}
