import { Card } from "antd";
import { usePredictions } from "../../api/reads";
import { number } from "../../format/figures";
import { Page } from "../../parts/page";
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
        <Card
          title={
            <h2>
              {said.atRisk} {total}
            </h2>
          }
        >
          <Shown query={query} rows={10}>
            {(found) => <AtRisk found={found} />}
          </Shown>
        </Card>
        <Card title={<h2>{words.tasks.title}</h2>} className="tasks-card">
          <TaskList customerId={null} />
        </Card>
      </div>
    </Page>
  );
}
