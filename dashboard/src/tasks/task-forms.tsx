import { Button, Form, Input } from "antd";
import { type ReactNode, useState } from "react";
import { newIdempotencyKey, useCommentOnTask, useMoveTask } from "../api/mutations";
import type { Task } from "../api/types";
import { errorMessage } from "../components/error-alert";
import { DAY, toDateTimeLocal } from "../format/dates";
import { strings } from "../strings";

const MAX_COMMENT = 1000;

interface Props {
  task: Task;
  onClose(): void;
}

/** Form for the new due time of a task. */
export function MoveForm({ task, onClose }: Props) {
  const move = useMoveTask(task.customer_id);
  const t = strings.tasks;
  // An overdue task is offered for tomorrow at this time.
  const suggested = new Date(Math.max(Date.parse(task.due_at ?? ""), Date.now()) || Date.now() + DAY);
  const [initial] = useState(toDateTimeLocal(task.overdue ? new Date(Date.now() + DAY) : suggested));
  return (
    <InlineForm
      initial={initial}
      required={t.dueTimeMissing}
      isValid={(value) => new Date(value).getTime() > Date.now()}
      submitLabel={t.saveMove}
      isPending={move.isPending}
      onClose={onClose}
      onSubmit={(value) => move.mutateAsync({ taskId: task.id, dueAt: new Date(value).toISOString() })}
    >
      <Input type="datetime-local" aria-label={t.dueTime} min={toDateTimeLocal(new Date())} autoFocus />
    </InlineForm>
  );
}

/** Form for a comment on a task. */
export function CommentForm({ task, onClose }: Props) {
  const add = useCommentOnTask(task.customer_id);
  const [idempotencyKey] = useState(newIdempotencyKey);
  const t = strings.tasks;
  return (
    <InlineForm
      initial=""
      required={t.commentMissing}
      isValid={(value) => value.trim() !== ""}
      submitLabel={t.saveComment}
      isPending={add.isPending}
      onClose={onClose}
      onSubmit={(text) => add.mutateAsync({ taskId: task.id, text, idempotencyKey })}
    >
      <Input.TextArea
        aria-label={t.commentText}
        autoSize={{ minRows: 2, maxRows: 8 }}
        maxLength={MAX_COMMENT}
        autoFocus
      />
    </InlineForm>
  );
}

interface InlineFormProps {
  initial: string;
  /** shown if the value is not valid */
  required: string;
  isValid(value: string): boolean;
  submitLabel: string;
  isPending: boolean;
  onSubmit(value: string): Promise<unknown>;
  onClose(): void;
  children: ReactNode;
}

function InlineForm(props: InlineFormProps) {
  const [error, setError] = useState<string | null>(null);
  async function submit({ value = "" }: { value?: string }) {
    if (!props.isValid(value)) {
      setError(props.required);
      return;
    }
    try {
      await props.onSubmit(value);
      props.onClose();
    } catch (reason) {
      setError(errorMessage(reason as Error));
    }
  }
  return (
    <Form className="task-form" noValidate onFinish={submit} initialValues={{ value: props.initial }}>
      <Form.Item name="value" validateStatus={error === null ? "" : "error"} help={error}>
        {props.children}
      </Form.Item>
      <div className="buttons compact">
        <Button size="small" type="primary" htmlType="submit" loading={props.isPending}>
          {props.submitLabel}
        </Button>
        <Button size="small" onClick={props.onClose}>
          {strings.common.cancel}
        </Button>
      </div>
    </Form>
  );
}
