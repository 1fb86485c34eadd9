import { App, Button } from "antd";
import { useCompleteTask, useReopenTask } from "../api/mutations";
import type { Task } from "../api/types";
import { errorMessage } from "../components/error-alert";
import { strings } from "../strings";

/** How long the notification offers to undo. Later, the task can be reopened in the list of completed tasks. */
const UNDO_SECONDS = 10;

/** Complete a task and offer to undo it; reopen a task. */
export function useTaskCompletion(task: Task) {
  const { notification } = App.useApp();
  const completion = useCompleteTask(task.customer_id);
  const reopening = useReopenTask(task.customer_id);
  const t = strings.tasks;
  const key = `task ${task.id}`;

  async function complete() {
    try {
      await completion.mutateAsync(task.id);
    } catch (error) {
      notification.error({
        title: t.completionFailed(task.title),
        description: errorMessage(error as Error),
      });
      return;
    }
    notification.success({
      key,
      title: t.completed(task.title),
      duration: UNDO_SECONDS,
      placement: "bottomRight",
      actions: (
        <Button size="small" onClick={reopen}>
          {t.undo}
        </Button>
      ),
    });
  }

  async function reopen() {
    try {
      await reopening.mutateAsync(task.id);
      notification.info({ key, title: t.reopened(task.title), duration: 3 });
    } catch (error) {
      notification.error({ title: t.reopeningFailed(task.title), description: errorMessage(error as Error) });
    }
  }

  return { complete, reopen, isPending: completion.isPending || reopening.isPending };
}
