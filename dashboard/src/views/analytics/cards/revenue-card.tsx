import { Segmented } from "antd";
import { useState } from "react";
import { type AnalyticsQuery, periodParams, useFigure } from "../../../api/analytics";
import type { Revenue } from "../../../api/types";
import { ChartCard } from "../../../charts/chart-card";
import { chartThemeFor } from "../../../charts/chart-theme";
import { ColumnChart } from "../../../charts/lazy-charts";
import { formatCalendarRange, formatMonth, formatShortDate } from "../../../format/dates";
import { formatCompactMoney, formatMoney, formatNumber } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";
import { useDark } from "../../../theme";
import type { AnalyticsCard, CardProps } from "../card";
import { Change } from "../change";

export const card: AnalyticsCard = { order: 35, isBelowFold: true, Card: RevenueCard };

type Unit = Revenue["by"];
type Row = Revenue["rows"][number];
const UNITS: readonly Unit[] = ["week", "month"];

/** Revenue of the period by week or month, with its total. */
function RevenueCard({ filter }: CardProps) {
  const [chosenUnit, setUnit] = useState<Unit | null>(null);
  const unit = chosenUnit ?? defaultUnit(filter);
  const query = useFigure("/v1/portal/analytics/revenue", { ...periodParams(filter), by: unit });
  const currency = useCurrency();
  const dark = useDark();
  const t = strings.analytics;
  const rows = query.data?.rows ?? [];
  const money = (value: number) => formatMoney(value, currency);
  const isLoading = query.data === undefined || query.isPlaceholderData;
  return (
    <ChartCard
      className="wide"
      title={t.revenue}
      hint={t.revenueHint}
      summary={rows.map((row) => `${nameOf(row, unit)}: ${money(row.revenue)}`).join("; ")}
      query={query}
      isEmpty={rows.every(({ revenue, adjustments }) => revenue === 0 && adjustments === 0)}
      extra={
        <Segmented<Unit>
          aria-label={t.revenueBy}
          value={unit}
          onChange={setUnit}
          options={UNITS.map((value) => ({ value, label: t.revenueUnits[value] }))}
        />
      }
      lead={!isLoading && query.data && <Total revenue={query.data} filter={filter} />}
      table={{
        columns: [t.revenueUnits[unit], t.columns.appointments, t.columns.adjustments, t.columns.revenue],
        rows: rows.map((row) => ({
          key: row.first,
          cells: [
            nameOf(row, unit),
            formatNumber(row.appointments),
            money(row.adjustments),
            money(row.revenue),
          ],
        })),
      }}
      chart={
        <ColumnChart
          rows={rows.map((row) => ({
            key: row.first,
            name: unit === "month" ? formatMonth(row.first) : formatShortDate(row.first),
            title: nameOf(row, unit),
            value: row.revenue,
            label: money(row.revenue),
          }))}
          format={(value) => formatCompactMoney(value, currency)}
          theme={chartThemeFor(dark)}
        />
      }
    />
  );
}

/** The total of the period, its change, and the adjustments if there are any. */
function Total({ revenue: { total, previous }, filter }: { revenue: Revenue; filter: AnalyticsQuery }) {
  const currency = useCurrency();
  const t = strings.analytics;
  const money = (value: number) => formatMoney(value, currency);
  return (
    <div className="revenue-total">
      <strong>{t.revenueTotal(money(total.revenue))}</strong>
      {previous !== null && (
        <Change
          value={total.revenue}
          previous={previous.revenue}
          period={filter.period}
          format={money}
          isGrowthGood
        />
      )}
      {total.adjustments !== 0 && (
        <span className="secondary">
          {t.revenueAdjusted(money(total.adjustments), money(total.revenue + total.adjustments))}
        </span>
      )}
    </div>
  );
}

/** Weeks for up to a quarter, months for more. */
function defaultUnit({ period }: AnalyticsQuery): Unit {
  return period === "year" || period === "all" ? "month" : "week";
}

function nameOf(row: Row, unit: Unit): string {
  return unit === "month" ? formatMonth(row.first) : formatCalendarRange(row.first, row.last);
}
