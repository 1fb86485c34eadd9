import { Panel } from "../../parts/panel";
import { TaskList } from "../../tasks/task-list";
import { words } from "../../words";

export function CustomerTasks({ customerId }: { customerId: string }) {
  return (
    <Panel title={words.journey.tasks}>
      <TaskList customerId={customerId} />
    </Panel>
  );
}
