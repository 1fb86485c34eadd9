import { Empty } from "antd";
import { useTasks } from "../api/queries";
import { ErrorAlert } from "../components/error-alert";
import { TextSkeleton } from "../components/loading";
import { ShowMore } from "../components/show-more";
import { strings } from "../strings";
import { type TaskListName, taskQuery } from "./lists";
import { TaskItem } from "./task-item";

interface Props {
  list: TaskListName;
  /** null for the tasks of all customers */
  customerId: string | null;
  /** of the list "mine" */
  staffId: number | null;
}

/** One list of tasks, page by page. */
export function TaskList({ list, customerId, staffId }: Props) {
  const query = useTasks(taskQuery(list, customerId, staffId));
  const t = strings.tasks;
  if (query.isPending) return <TextSkeleton rows={6} />;
  if (query.data === undefined) return <ErrorAlert error={query.error} retry={() => void query.refetch()} />;
  const tasks = query.data.pages.flatMap((page) => page.tasks);
  if (tasks.length === 0 && !query.hasNextPage) {
    return customerId === null ? (
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.none[list]}>
        {list === "open" && <p className="secondary">{t.noneHint}</p>}
      </Empty>
    ) : (
      <p className="secondary">{t.none[list]}</p>
    );
  }
  return (
    <>
      <ul className="tasks" aria-label={t.lists[list]}>
        {tasks.map((task) => (
          <TaskItem key={task.id} task={task} withCustomer={customerId === null} />
        ))}
      </ul>
      {query.hasNextPage && (
        <ShowMore isLoading={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
      )}
    </>
  );
}
