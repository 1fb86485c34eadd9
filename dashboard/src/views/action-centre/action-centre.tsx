import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { strings } from "../../strings";
import { TaskLists } from "../../tasks/task-lists";
import { AtRiskPanel } from "./at-risk-panel";

/** Customers at risk of being lost, next to the open tasks. */
export default function ActionCentre() {
  return (
    <Page title={strings.views.actionCentre} documentTitle={strings.views.actionCentre}>
      <div className="centre-grid">
        <AtRiskPanel />
        <Panel title={strings.tasks.title} className="tasks-card">
          <TaskLists customerId={null} />
        </Panel>
      </div>
    </Page>
  );
}
