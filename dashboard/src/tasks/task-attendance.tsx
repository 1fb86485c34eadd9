import { useState } from "react";
import { useAnswerTask } from "../api/mutations";
import { useAppointments } from "../api/queries";
import type { Task } from "../api/types";
import { AttendanceButtons } from "../attendance/attendance-buttons";
import { startOfDay } from "../format/dates";

/** Days that a question may be old and still find what the visit probably cost. */
const OLDEST = 366;

/** The answers to a task that asks whether the customer came. */
export function TaskAttendance({ task }: { task: Task }) {
  const answer = useAnswerTask(task.customer_id);
  const [isChosen, setIsChosen] = useState(false);
  const [since] = useState(() => startOfDay(-OLDEST).toISOString());
  const query = useAppointments(
    {
      from: since,
      to: startOfDay(1).toISOString(),
      outcome: ["open"],
      customer_id: task.customer_id,
      limit: 200,
    },
    isChosen,
  );
  const appointments = query.data?.pages.flatMap((page) => page.appointments) ?? [];
  const suggested = appointments.find(({ task_id }) => task_id === task.id)?.suggested_amount ?? null;
  return (
    <AttendanceButtons
      name={task.customer_name ?? task.customer_id}
      suggestedAmount={query.isLoading ? undefined : suggested}
      onChoose={() => setIsChosen(true)}
      onAnswer={(value) => answer.mutateAsync({ taskId: task.id, answer: value })}
    />
  );
}
