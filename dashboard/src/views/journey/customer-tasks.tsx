import { Card } from "antd";
import { TaskList } from "../../tasks/task-list";
import { words } from "../../words";

export function CustomerTasks({ customerId }: { customerId: string }) {
  return (
    <Card title={<h2>{words.journey.tasks}</h2>}>
      <TaskList customerId={customerId} />
    </Card>
  );
}
