import { EditOutlined } from "@ant-design/icons";
import { App, Button, Form, Input } from "antd";
import { useState } from "react";
import { useSaveNotes } from "../../api/mutations";
import { Problem } from "../../api/problem";
import type { JourneyShown } from "../../api/shapes";
import { errorMessage } from "../../components/error-alert";
import { Panel } from "../../components/panel";
import { strings } from "../../strings";

const MOST = 10_000;

/** What people have written down of a customer. */
export function Notes({ journey, editable }: { journey: JourneyShown; editable: boolean }) {
  const [editing, setEditing] = useState(false);
  const said = strings.journey;
  const notes = journey.notes ?? null;
  const edit = (
    <Button size="small" icon={<EditOutlined aria-hidden />} onClick={() => setEditing(true)}>
      {notes === null ? said.addNotes : said.editNotes}
    </Button>
  );
  return (
    <Panel title={said.notes} extra={editable && !editing && edit}>
      {editing ? (
        <Edit customerId={journey.customer_id} notes={notes} close={() => setEditing(false)} />
      ) : (
        <p className={notes === null ? "quiet" : "written"}>{notes ?? said.noNotes}</p>
      )}
    </Panel>
  );
}

function Edit({ customerId, notes, close }: { customerId: string; notes: string | null; close(): void }) {
  // What was there when the editing began: a change by somebody else fallback must not be lost.
  const [previous] = useState(notes);
  const [error, setError] = useState<string | null>(null);
  const save = useSaveNotes(customerId);
  const { message } = App.useApp();
  const said = strings.journey;

  async function submit({ text = "" }: { text?: string }) {
    try {
      await save.mutateAsync({ notes: text.trim() === "" ? null : text, previous });
      message.success(said.savedNotes);
      close();
    } catch (refused) {
      const stale = refused instanceof Problem && refused.status === 409;
      setError(stale ? said.staleNotes : errorMessage(refused as Error));
    }
  }

  return (
    <Form layout="vertical" onFinish={submit} initialValues={{ text: notes ?? "" }}>
      <Form.Item name="text" validateStatus={error === null ? "" : "error"} help={error}>
        <Input.TextArea
          aria-label={said.notes}
          autoSize={{ minRows: 4, maxRows: 16 }}
          maxLength={MOST}
          autoFocus
        />
      </Form.Item>
      <div className="buttons">
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {said.saveNotes}
        </Button>
        <Button onClick={close}>{strings.common.cancel}</Button>
      </div>
    </Form>
  );
}
