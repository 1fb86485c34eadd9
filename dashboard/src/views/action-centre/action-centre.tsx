import { useTasks } from "../../api/queries";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { strings } from "../../strings";
import { taskQuery } from "../../tasks/lists";
import { TaskLists } from "../../tasks/task-lists";
import { AtRiskPanel } from "./at-risk-panel";

/**
 * Customers at risk of being lost, next to the open tasks. Where the tasks stand above the list, it appears once their
 * height is known, so that it does not move.
 */
export default function ActionCentre() {
  const isLoadingTasks = useTasks(taskQuery("open", null, null)).isPending;
  return (
    <Page title={strings.views.actionCentre} documentTitle={strings.views.actionCentre}>
      <div className={isLoadingTasks ? "centre-grid loading-tasks" : "centre-grid"}>
        <AtRiskPanel />
        <Panel title={strings.tasks.title} className="tasks-card">
          <TaskLists customerId={null} />
        </Panel>
      </div>
    </Page>
  );
}
