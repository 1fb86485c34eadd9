import type { ComponentType } from "react";
import { useTasks } from "../../api/queries";
import { lazyComponent } from "../../components/lazy-component";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { strings } from "../../strings";
import { taskQuery } from "../../tasks/lists";
import { TaskLists } from "../../tasks/task-lists";
import { CallListPanel } from "./call-list-panel";
import { type List, useList } from "./list-choice";

// The list that is shown first is part of this view; the others are loaded when they are chosen.
const AtRiskPanel = lazyComponent(() => import("./at-risk-panel"), null);
const DuePanel = lazyComponent(() => import("./due-panel"), null);

const PANELS: Record<List, ComponentType> = { calls: CallListPanel, due: DuePanel, risk: AtRiskPanel };

/**
 * Whom to call, who is expected soon, or who is at risk, next to the open tasks. Where the tasks stand above the list, it appears once their
 * height is known, so that it does not move.
 */
export default function ActionCentre() {
  const List = PANELS[useList()];
  const isLoadingTasks = useTasks(taskQuery("open", null, null)).isPending;
  return (
    <Page title={strings.views.actionCentre} documentTitle={strings.views.actionCentre}>
      <div className={isLoadingTasks ? "centre-grid loading-tasks" : "centre-grid"}>
        <List />
        <Panel title={strings.tasks.title} className="tasks-card">
          <TaskLists customerId={null} />
        </Panel>
      </div>
    </Page>
  );
}
