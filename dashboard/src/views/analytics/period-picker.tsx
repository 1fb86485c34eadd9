import { Button, Input, Segmented } from "antd";
import { useId, useState } from "react";
import { type AnalyticsQuery, PERIODS, type Period } from "../../api/analytics";
import { toDateTimeLocal } from "../../format/dates";
import { strings } from "../../strings";

export function PeriodPicker({
  filter,
  change,
}: {
  filter: AnalyticsQuery;
  change(filter: Partial<AnalyticsQuery>): void;
}) {
  const t = strings.analytics;
  const id = useId();
  const [isRejected, setRejected] = useState(false);
  return (
    <div className="period-picker">
      <Segmented<Period>
        aria-label={t.period}
        value={filter.period}
        onChange={(period) => change({ period })}
        options={PERIODS.map((period) => ({ value: period, label: t.periods[period] }))}
      />
      <span className="as-of">
        <label htmlFor={id}>{t.asOf}</label>
        <Input
          id={id}
          type="datetime-local"
          {...(isRejected ? { status: "error" as const, "aria-describedby": `${id}-error` } : {})}
          max={toDateTimeLocal(new Date())}
          value={filter.asOf === null ? "" : toDateTimeLocal(new Date(filter.asOf))}
          onChange={({ target }) => {
            const instant = new Date(target.value);
            const isFuture = instant.getTime() > Date.now();
            setRejected(isFuture);
            // Ignore incomplete years while they are being typed.
            if (isFuture || (target.value !== "" && instant.getFullYear() < 1900)) return;
            change({ asOf: target.value === "" ? null : instant.toISOString() });
          }}
        />
        {filter.asOf !== null && <Button onClick={() => change({ asOf: null })}>{t.now}</Button>}
        {isRejected && (
          <span id={`${id}-error`} role="alert" className="error-text">
            {t.inFuture}
          </span>
        )}
      </span>
    </div>
  );
}
