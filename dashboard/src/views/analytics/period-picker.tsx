import { Button, Input, Segmented } from "antd";
import { useId } from "react";
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
          max={toDateTimeLocal(new Date())}
          value={filter.asOf === null ? "" : toDateTimeLocal(new Date(filter.asOf))}
          onChange={({ target }) => {
            const instant = new Date(target.value);
            // Ignore times in the future, and incomplete years while they are being typed.
            const isPast = instant.getTime() <= Date.now() && instant.getFullYear() >= 1900;
            if (target.value === "" || isPast)
              change({ asOf: target.value === "" ? null : instant.toISOString() });
          }}
        />
        {filter.asOf !== null && <Button onClick={() => change({ asOf: null })}>{t.now}</Button>}
      </span>
    </div>
  );
}
