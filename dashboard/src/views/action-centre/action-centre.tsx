import { usePredictions } from "../../api/reads";
import { number } from "../../format/figures";
import { Page } from "../../parts/page";
import { Panel } from "../../parts/panel";
import { Shown } from "../../parts/shown";
import { TaskList } from "../../tasks/task-list";
import { words } from "../../words";
import { AtRisk } from "./at-risk";

/** What to do now: whom the company is about to lose, and the open tasks beside. */
export default function ActionCentre() {
  const query = usePredictions();
  const said = words.actionCentre;
  const total = query.data && (
    <span className="count">
      {said.count(number(query.data.predictions.length), number(query.data.total))}
    </span>
  );
  return (
    <Page title={words.views.actionCentre} tab={words.views.actionCentre}>
      <div className="centre-grid">
        <Panel
          title={
            <>
              {said.atRisk} {total}
            </>
          }
        >
          <Shown query={query} rows={10}>
            {(found) => <AtRisk found={found} />}
          </Shown>
        </Panel>
        <Panel title={words.tasks.title} className="tasks-card">
          <TaskList customerId={null} />
        </Panel>
      </div>
    </Page>
  );
}
