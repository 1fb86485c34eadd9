import type { Period } from "../../api/analytics";
import { strings } from "../../strings";

interface Props {
  value: number;
  previous: number;
  period: Period;
  format: (value: number) => string;
  /** whether more is better; undefined if neither is */
  isGrowthGood?: boolean;
}

/** The change of a figure against the period before: "+12 against the 30 days before". */
export function Change({ value, previous, period, format, isGrowthGood }: Props) {
  const t = strings.analytics;
  // Amounts have two decimals; floating-point differences are not a change.
  const difference = Math.round((value - previous) * 100) / 100;
  const sign = difference > 0 ? "+" : "−";
  const mood =
    difference === 0 || isGrowthGood === undefined ? "" : difference > 0 === isGrowthGood ? "good" : "bad";
  return (
    <span className={`change ${mood}`} title={t.before(format(previous))}>
      {difference === 0
        ? t.unchanged(t.periodBefore[period])
        : t.change(`${sign}${format(Math.abs(difference))}`, t.periodBefore[period])}
    </span>
  );
}
