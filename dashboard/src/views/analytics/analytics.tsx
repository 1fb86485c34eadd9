import { useDeferredValue } from "react";
import { periodParams, useFigure } from "../../api/analytics";
import { ChartsLoading } from "../../charts/chart-card";
import { Page } from "../../components/page";
import { QueryView } from "../../components/query-view";
import { formatDateTime } from "../../format/dates";
import { strings } from "../../strings";
import { useAnalyticsQuery } from "./analytics-query";
import type { AnalyticsCard } from "./card";
import { PeriodPicker } from "./period-picker";
import { Statistics } from "./statistics";

const CARDS = Object.entries(
  import.meta.glob<AnalyticsCard>("./cards/*.tsx", { eager: true, import: "card" }),
).sort(([, one], [, other]) => one.order - other.order);

/** Analytics of all journeys for a period that ends now or at a time in the past. */
export default function Analytics() {
  const { filter, change } = useAnalyticsQuery();
  const query = useFigure("/v1/portal/analytics/customer-journey", periodParams(filter));
  // Charts below the fold are rendered after the first paint.
  const showLowerCharts = useDeferredValue(true, false);
  const t = strings.analytics;
  const asOf = filter.asOf === null ? t.asOfNow : t.asOfTime(formatDateTime(filter.asOf));
  return (
    <Page
      title={strings.views.analytics}
      documentTitle={strings.views.analytics}
      subtitle={asOf}
      extra={<PeriodPicker filter={filter} change={change} />}
    >
      <QueryView query={query} rows={12}>
        {(figures) => (
          <div className="charts" aria-busy={query.isPlaceholderData}>
            <ChartsLoading value={query.isPlaceholderData}>
              <Statistics figures={figures} filter={filter} isLoading={query.isPlaceholderData} />
              {CARDS.map(
                ([file, { Card, isBelowFold }]) =>
                  (showLowerCharts || !isBelowFold) && <Card key={file} filter={filter} figures={figures} />,
              )}
            </ChartsLoading>
          </div>
        )}
      </QueryView>
    </Page>
  );
}
