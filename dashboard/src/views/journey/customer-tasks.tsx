import { Panel } from "../../components/panel";
import { strings } from "../../strings";
import { TaskLists } from "../../tasks/task-lists";

export function CustomerTasks({ customerId }: { customerId: string }) {
  return (
    <Panel title={strings.tasks.title}>
      <TaskLists customerId={customerId} />
    </Panel>
  );
}
