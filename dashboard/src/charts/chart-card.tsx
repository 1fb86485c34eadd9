import type { UseQueryResult } from "@tanstack/react-query";
import { Empty, Switch } from "antd";
import { createContext, type ReactNode, useContext, useId, useState } from "react";
import { ErrorAlert } from "../components/error-alert";
import { ErrorBoundary } from "../components/error-boundary";
import { TextSkeleton } from "../components/loading";
import { Panel } from "../components/panel";
import { strings } from "../strings";
import { ChartTable, type TableData } from "./chart-table";

/** Whether the charts below are loading other data: those without a query of their own show a placeholder, too. */
export const ChartsLoading = createContext(false);

interface ChartProps {
  title: string;
  hint: string;
  /** text alternative of the chart */
  summary: string;
  isEmpty: boolean;
  table: TableData;
  chart: ReactNode;
  /** shown next to the hint */
  extra?: ReactNode;
  /** shown above the chart and the table */
  lead?: ReactNode;
  className?: string;
}

interface Props extends ChartProps {
  /** the card's own query, if it has one: the card shows a placeholder while it loads, and its error */
  query?: Pick<UseQueryResult, "data" | "isPending" | "isPlaceholderData" | "isError" | "error" | "refetch">;
}

/** A chart with a switch that shows its data as a table. */
export function ChartCard({ query, ...props }: Props) {
  const isViewLoading = useContext(ChartsLoading);
  if (query?.isError && query.data === undefined) {
    return (
      <Panel title={props.title} className={props.className ?? ""}>
        <ErrorAlert error={query.error} retry={() => void query.refetch()} />
      </Panel>
    );
  }
  // Data of another period is never shown: the heading is already that of the new one.
  const isLoading = isViewLoading || query?.isPending || query?.isPlaceholderData || false;
  return <LoadedChart {...props} isLoading={isLoading} />;
}

function LoadedChart({
  title,
  hint,
  summary,
  isEmpty,
  isLoading,
  table,
  chart,
  extra,
  lead,
  className,
}: ChartProps & { isLoading: boolean }) {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const t = strings.analytics;
  return (
    <Panel
      title={title}
      className={`chart-card ${className ?? ""}`}
      extra={
        !isEmpty &&
        !isLoading && (
          <span className="as-table">
            <label htmlFor={id}>{t.asTable}</label>
            <Switch
              id={id}
              size="small"
              checked={asTable}
              onChange={setAsTable}
              aria-label={t.asTableOf(title)}
            />
          </span>
        )
      }
    >
      <div className="chart-head">
        <p className="secondary">{hint}</p>
        {extra}
      </div>
      {!isLoading && lead}
      {isLoading ? (
        <TextSkeleton rows={6} />
      ) : isEmpty ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.noData} />
      ) : asTable ? (
        <ChartTable caption={t.tableOf(title)} {...table} />
      ) : (
        <ErrorBoundary>
          <div role="img" aria-label={`${title}. ${summary}`} className="chart">
            {chart}
          </div>
        </ErrorBoundary>
      )}
    </Panel>
  );
}
