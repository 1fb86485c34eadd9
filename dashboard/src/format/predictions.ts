import type { Factor, Prediction } from "../api/types";
import { strings } from "../strings";
import { formatDate } from "./dates";
import { formatDays } from "./durations";
import { label } from "./labels";
import { formatContribution, formatMoney, formatNumber, formatShare } from "./numbers";

/** Say in which stage a customer is since when, and how long ago the last visit was. */
export function describeStage(row: Prediction): string {
  const t = strings.reasons;
  const ago = formatDays(row.days_inactive);
  const last = row.last_appointment_at === null ? t.neverVisited(ago) : t.lastVisit(ago);
  return `${t.stage(row.stage_name, formatDate(row.stage_entered_at))} ${last}`;
}

/** Say what adds to a risk score. Of several factors with one name, the last that counts gives the reason. */
export function describeFactors(factors: readonly Factor[]): string {
  const t = strings.reasons;
  const counting = new Map<string, { because: string; effect: number }>();
  for (const { name, because, contribution } of factors) {
    const effect = Number(contribution);
    if (effect !== 0) counting.set(name, { because, effect: effect + (counting.get(name)?.effect ?? 0) });
  }
  const described = [...counting].map(([name, { because, effect }]) =>
    t.factor(label("factors", name), because, formatContribution(effect)),
  );
  return described.length === 0 ? t.noFactor : t.factors(described.join("; "));
}

/** Say how likely a customer is to return, and what that is based on. */
export function describeForecast({ return_probability, inputs }: Prediction): string {
  const t = strings.reasons;
  if (return_probability === null || inputs === null) return t.noForecast;
  const visits = inputs.repeat_days + 1;
  return t.forecast(
    formatShare(return_probability),
    formatNumber(visits),
    visits,
    formatDays(inputs.age_days),
  );
}

/** Say what the default order of the list goes by: "22% × €129.50 = €28.32". */
export function describePriority(row: Prediction, currency: string): string {
  const { return_probability, lifetime_value, expected_value } = row;
  const [value, product] = [formatMoney(lifetime_value, currency), formatMoney(expected_value, currency)];
  return strings.reasons.priority(formatShare(return_probability ?? 1), value, product);
}
