import { Panel } from "../../components/panel";
import { strings } from "../../strings";
import { TaskList } from "../../tasks/task-list";

export function CustomerTasks({ customerId }: { customerId: string }) {
  return (
    <Panel title={strings.journey.tasks}>
      <TaskList customerId={customerId} />
    </Panel>
  );
}
