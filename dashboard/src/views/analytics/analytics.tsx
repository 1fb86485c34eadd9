import { useDeferredValue } from "react";
import { useJourneyAnalytics } from "../../api/analytics";
import { Page } from "../../components/page";
import { QueryView } from "../../components/query-view";
import { formatDateTime } from "../../format/dates";
import { strings } from "../../strings";
import { useAnalyticsQuery } from "./analytics-query";
import { FlowCard } from "./flow-card";
import { FunnelCard } from "./funnel-card";
import { MetricsCard } from "./metrics-card";
import { PeriodPicker } from "./period-picker";
import { DistributionCard, TimeInStageCard } from "./stage-cards";
import { Statistics } from "./statistics";

/** Analytics of all journeys for a period that ends now or at a time in the past. */
export default function Analytics() {
  const { filter, change } = useAnalyticsQuery();
  const query = useJourneyAnalytics(filter);
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
          // Figures of another period are never shown: the heading is already that of the new one.
          <div className="charts" aria-busy={query.isPlaceholderData}>
            <Statistics figures={figures} isLoading={query.isPlaceholderData} />
            <FunnelCard steps={figures.funnel_data} isLoading={query.isPlaceholderData} />
            <DistributionCard distribution={figures.distribution} isLoading={query.isPlaceholderData} />
            <TimeInStageCard times={figures.stage_times} isLoading={query.isPlaceholderData} />
            {showLowerCharts && <FlowCard filter={filter} />}
            {showLowerCharts && <MetricsCard filter={filter} />}
          </div>
        )}
      </QueryView>
    </Page>
  );
}
