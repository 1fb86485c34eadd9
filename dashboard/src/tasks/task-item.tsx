import { CalendarOutlined, CheckOutlined, CommentOutlined, UndoOutlined } from "@ant-design/icons";
import { Button, Tag } from "antd";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation } from "react-router";
import type { Task } from "../api/types";
import { customerPath } from "../components/customer-link";
import { lazyComponent } from "../components/lazy-component";
import { TextSkeleton } from "../components/loading";
import { formatDateTime, formatRelative } from "../format/dates";
import { label } from "../format/labels";
import { useCanEdit } from "../session/session";
import { strings } from "../strings";
import { Assignee } from "./assignee";
import { TaskAttendance } from "./task-attendance";
import { useTaskCompletion } from "./use-task-completion";

// antd's forms would make the first view too large.
const loading = <TextSkeleton rows={1} />;
const CommentForm = lazyComponent(
  async () => ({ default: (await import("./task-forms")).CommentForm }),
  loading,
);
const MoveForm = lazyComponent(async () => ({ default: (await import("./task-forms")).MoveForm }), loading);

export function TaskItem({ task, withCustomer }: { task: Task; withCustomer: boolean }) {
  const [form, setForm] = useState<"move" | "comment" | null>(null);
  const canEdit = useCanEdit();
  const t = strings.tasks;
  const close = () => setForm(null);
  // Such a task is done by its answer.
  const isQuestion = task.kind === "attendance" && task.status === "open";
  const item = useRef<HTMLLIElement>(null);
  const isLinked = useLocation().hash === `#task-${task.id}`;
  useEffect(() => {
    if (isLinked) item.current?.scrollIntoView({ block: "center" });
  }, [isLinked]);
  return (
    <li className={isLinked ? "task linked" : "task"} ref={item}>
      <div className="task-head">
        <span className="task-title">{task.title}</span>
        {canEdit && !isQuestion && <CompletionButton task={task} />}
      </div>
      {canEdit && isQuestion && <TaskAttendance task={task} />}
      {task.note && <p className="user-text secondary">{task.note}</p>}
      <div className="task-details">
        <Tag>{label("tasks", task.kind)}</Tag>
        {withCustomer && (
          <Link to={customerPath(task.customer_id)}>{task.customer_name ?? task.customer_id}</Link>
        )}
        {task.overdue && <Tag color="error">{t.overdue}</Tag>}
        <TaskTime task={task} />
        {task.status === "open" && canEdit ? (
          <Assignee task={task} />
        ) : (
          <span>{task.staff_name ?? t.unassigned}</span>
        )}
      </div>
      {task.closed_reason && <p className="secondary">{t.closed(task.closed_reason)}</p>}
      <Comments task={task} />
      {canEdit && form === null && (
        <div className="buttons compact">
          {task.status === "open" && (
            <Button
              size="small"
              type="text"
              icon={<CalendarOutlined aria-hidden />}
              aria-label={t.moveOf(task.title)}
              onClick={() => setForm("move")}
            >
              {t.move}
            </Button>
          )}
          <Button
            size="small"
            type="text"
            icon={<CommentOutlined aria-hidden />}
            aria-label={t.commentOf(task.title)}
            onClick={() => setForm("comment")}
          >
            {t.comment}
          </Button>
        </div>
      )}
      {form === "move" && <MoveForm task={task} onClose={close} />}
      {form === "comment" && <CommentForm task={task} onClose={close} />}
    </li>
  );
}

function CompletionButton({ task }: { task: Task }) {
  const { complete, reopen, isPending } = useTaskCompletion(task);
  const t = strings.tasks;
  return task.status === "open" ? (
    <Button
      size="small"
      icon={<CheckOutlined aria-hidden />}
      aria-label={t.doneOf(task.title)}
      loading={isPending}
      onClick={complete}
    >
      {t.done}
    </Button>
  ) : (
    <Button
      size="small"
      icon={<UndoOutlined aria-hidden />}
      aria-label={t.reopenOf(task.title)}
      loading={isPending}
      onClick={reopen}
    >
      {t.reopen}
    </Button>
  );
}

function TaskTime({ task }: { task: Task }) {
  const t = strings.tasks;
  const instant = task.done_at ?? task.due_at;
  if (instant === null) return <span>{t.noDate}</span>;
  const text = formatRelative(instant);
  return (
    <time dateTime={instant} title={formatDateTime(instant)}>
      {task.done_at === null ? t.due(text) : t.finished[task.status](text)}
    </time>
  );
}

function Comments({ task }: { task: Task }) {
  const t = strings.tasks;
  if (task.comments.length === 0) return null;
  return (
    <ul className="task-comments" aria-label={t.commentsOf(task.title)}>
      {task.comments.map((comment) => (
        <li key={comment.id}>
          <small>
            {comment.by ?? t.unknownAuthor}, <time dateTime={comment.at}>{formatDateTime(comment.at)}</time>
          </small>
          <p className="user-text">{comment.text}</p>
        </li>
      ))}
    </ul>
  );
}
