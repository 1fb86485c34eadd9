import { CheckOutlined } from "@ant-design/icons";
import { Button, Tag } from "antd";
import { Link } from "react-router";
import type { Task } from "../api/types";
import { customerPath } from "../components/customer-link";
import { formatDateTime, formatRelative } from "../format/dates";
import { label } from "../format/labels";
import { useCanEdit } from "../session/session";
import { strings } from "../strings";
import { Assignee } from "./assignee";
import { useCompleteTask } from "./use-complete-task";

export function TaskItem({ task, withCustomer }: { task: Task; withCustomer: boolean }) {
  const canEdit = useCanEdit();
  const complete = useCompleteTask();
  const t = strings.tasks;
  return (
    <li className="task">
      <div className="task-head">
        <span className="task-title">{task.title}</span>
        {canEdit && (
          <Button
            size="small"
            icon={<CheckOutlined aria-hidden />}
            aria-label={t.doneOf(task.title)}
            onClick={() => complete(task)}
          >
            {t.done}
          </Button>
        )}
      </div>
      <div className="task-details">
        <Tag>{label("tasks", task.kind)}</Tag>
        {withCustomer && (
          <Link to={customerPath(task.customer_id)}>{task.customer_name ?? task.customer_id}</Link>
        )}
        {task.overdue && <Tag color="error">{t.overdue}</Tag>}
        {task.due_at === null ? (
          <span>{t.noDate}</span>
        ) : (
          <time dateTime={task.due_at} title={formatDateTime(task.due_at)}>
            {t.due(formatRelative(task.due_at))}
          </time>
        )}
        {canEdit ? <Assignee task={task} /> : <span>{task.staff_name ?? t.unassigned}</span>}
      </div>
    </li>
  );
}
