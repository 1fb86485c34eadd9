import { Button, Input, Segmented } from "antd";
import { useId } from "react";
import { type AnalyticsQuery, PERIODS, type Period } from "../../api/analytics";
import { toDateTimeLocal } from "../../format/dates";
import { strings } from "../../strings";

export function PeriodPicker({
  view,
  change,
}: {
  view: AnalyticsQuery;
  change(view: Partial<AnalyticsQuery>): void;
}) {
  const said = strings.analytics;
  const id = useId();
  return (
    <div className="view-picker">
      <Segmented<Period>
        aria-label={said.period}
        value={view.period}
        onChange={(period) => change({ period })}
        options={PERIODS.map((period) => ({ value: period, label: said.periods[period] }))}
      />
      <span className="as-of">
        <label htmlFor={id}>{said.asOf}</label>
        <Input
          id={id}
          type="datetime-local"
          max={toDateTimeLocal(new Date())}
          value={view.asOf === null ? "" : toDateTimeLocal(new Date(view.asOf))}
          onChange={({ target }) => {
            const instant = new Date(target.value);
            // A time to come has no figures yet; while a year is being typed it is not a time at all.
            const isPast = instant.getTime() <= Date.now() && instant.getFullYear() >= 1900;
            if (target.value === "" || isPast)
              change({ asOf: target.value === "" ? null : instant.toISOString() });
          }}
        />
        {view.asOf !== null && <Button onClick={() => change({ asOf: null })}>{said.now}</Button>}
      </span>
    </div>
  );
}
