import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useSyncExternalStore } from "react";
import { invalidateCustomers } from "../api/mutations";
import type { Task } from "../api/shapes-of-work";
import { errorMessage } from "../components/error-alert";
import { strings } from "../strings";
import { taskCompletions, UNDO_MS } from "./task-completion";

/** Calls a task done, and offers to take that back for a moment. */
export function useCompleteTask(): (task: Task) => void {
  const { notification } = App.useApp();
  const queries = useQueryClient();
  const t = strings.tasks;
  return (task) => {
    const key = `task ${task.id}`;
    const invalidate = () => void invalidateCustomers(queries, [task.customer_id]);
    taskCompletions.start(task.id, {
      onCompleted: invalidate,
      onUndone: () => notification.info({ key, title: t.undone(task.title), duration: 3 }),
      onFailed(error) {
        invalidate();
        // Under a key of its own: the message that the task is done is just going, and would take this one with it.
        notification.error({ title: t.notFinished(task.title), description: errorMessage(error) });
      },
    });
    notification.success({
      key,
      title: t.finished(task.title),
      duration: UNDO_MS / 1000,
      // What can be taken back for a moment must not look as if it could for longer.
      pauseOnHover: false,
      placement: "bottomRight",
      actions: (
        <Button size="small" onClick={() => taskCompletions.undo(task.id)}>
          {t.undo}
        </Button>
      ),
    });
  };
}

/** Tasks that are to be hidden, because somebody has called them done. */
export function useHiddenTaskIds(): ReadonlySet<number> {
  return useSyncExternalStore(taskCompletions.subscribe, taskCompletions.getHiddenIds);
}
