import { usePredictions } from "../../api/queries";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { TaskLists } from "../../tasks/task-lists";
import { AtRiskList } from "./at-risk-list";

/** Customers at risk of being lost, next to the open tasks. */
export default function ActionCentre() {
  const query = usePredictions();
  const t = strings.actionCentre;
  const total = query.data && (
    <span className="count">
      {t.count(formatNumber(query.data.predictions.length), formatNumber(query.data.total))}
    </span>
  );
  return (
    <Page title={strings.views.actionCentre} documentTitle={strings.views.actionCentre}>
      <div className="centre-grid">
        <Panel
          title={
            <>
              {t.atRisk} {total}
            </>
          }
        >
          <QueryView query={query} rows={10}>
            {(data) => <AtRiskList data={data} />}
          </QueryView>
        </Panel>
        <Panel title={strings.tasks.title} className="tasks-card">
          <TaskLists customerId={null} />
        </Panel>
      </div>
    </Page>
  );
}
