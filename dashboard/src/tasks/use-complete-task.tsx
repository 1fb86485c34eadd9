import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useSyncExternalStore } from "react";
import { invalidateCustomers } from "../api/mutations";
import type { Task } from "../api/types";
import { errorMessage } from "../components/error-alert";
import { strings } from "../strings";
import { taskCompletions, UNDO_MS } from "./task-completion";

/** Return a function that marks a task as done and offers to undo it for a few seconds. */
export function useCompleteTask(): (task: Task) => void {
  const { notification } = App.useApp();
  const queries = useQueryClient();
  const t = strings.tasks;
  return (task) => {
    const key = `task ${task.id}`;
    const invalidate = () => void invalidateCustomers(queries, [task.customer_id]);
    taskCompletions.start(task.id, {
      onCompleted: invalidate,
      onUndone: () => notification.info({ key, title: t.reopened(task.title), duration: 3 }),
      onFailed(error) {
        invalidate();
        // No shared key: the success notification is closing and would close this one too.
        notification.error({ title: t.completionFailed(task.title), description: errorMessage(error) });
      },
    });
    notification.success({
      key,
      title: t.completed(task.title),
      duration: UNDO_MS / 1000,
      // The undo button must not stay longer than undoing is possible.
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

/** Ids of tasks to hide because they have been marked as done. */
export function useHiddenTaskIds(): ReadonlySet<number> {
  return useSyncExternalStore(taskCompletions.subscribe, taskCompletions.getHiddenIds);
}
