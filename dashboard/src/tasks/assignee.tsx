import { App, Select } from "antd";
import { useAssignTask } from "../api/mutations";
import { useStaff } from "../api/queries";
import type { Task } from "../api/types";
import { errorMessage } from "../components/error-alert";
import { strings } from "../strings";

const UNASSIGNED = 0;

/** Select for the staff member a task is assigned to. */
export function Assignee({ task }: { task: Task }) {
  const staff = useStaff().data?.staff ?? [];
  const assign = useAssignTask(task.customer_id);
  const { message } = App.useApp();
  const t = strings.tasks;
  const options = staff.filter((person) => person.is_active || person.id === task.assigned_to);
  async function assignTo(staffId: number) {
    try {
      await assign.mutateAsync({ taskId: task.id, staffId: staffId === UNASSIGNED ? null : staffId });
      message.success(t.assigneeChanged);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <Select<number>
      size="small"
      variant="filled"
      className="assignee"
      aria-label={t.assignee(task.title)}
      popupMatchSelectWidth={false}
      value={task.assigned_to ?? UNASSIGNED}
      loading={assign.isPending}
      onChange={assignTo}
      options={[
        { value: UNASSIGNED, label: t.unassigned },
        ...(task.assigned_to !== null && staff.length === 0
          ? [{ value: task.assigned_to, label: task.staff_name ?? String(task.assigned_to) }]
          : []),
        ...options.map((person) => ({ value: person.id, label: person.name })),
      ]}
    />
  );
}
