import { Button, Empty } from "antd";
import { useTasks } from "../api/queries";
import { ErrorAlert } from "../components/error-alert";
import { TextSkeleton } from "../components/loading";
import { strings } from "../strings";
import { TaskItem } from "./task-item";
import { useHiddenTaskIds } from "./use-complete-task";

/** Open tasks of one customer, or of all (null), earliest due date first. */
export function TaskList({ customerId }: { customerId: string | null }) {
  const query = useTasks(customerId);
  const hiddenTaskIds = useHiddenTaskIds();
  const t = strings.tasks;
  if (query.isPending) return <TextSkeleton rows={6} />;
  if (query.data === undefined) return <ErrorAlert error={query.error} retry={() => void query.refetch()} />;
  const tasks = query.data.pages.flatMap((page) => page.tasks).filter((task) => !hiddenTaskIds.has(task.id));
  if (tasks.length === 0 && !query.hasNextPage) {
    return customerId === null ? (
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.none}>
        <p className="secondary">{t.noneHint}</p>
      </Empty>
    ) : (
      <p className="secondary">{t.none}</p>
    );
  }
  return (
    <>
      <ul className="tasks" aria-label={t.title}>
        {tasks.map((task) => (
          <TaskItem key={task.id} task={task} withCustomer={customerId === null} />
        ))}
      </ul>
      {query.hasNextPage && (
        <div className="load-more">
          <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {strings.common.showMore}
          </Button>
        </div>
      )}
    </>
  );
}
