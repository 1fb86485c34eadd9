import type { NoShowModel } from "../../api/types";
import { formatDate } from "../../format/dates";
import { formatNumber, formatShare } from "../../format/numbers";
import { strings } from "../../strings";

const LEAST_OUTCOMES = 200;
const LEAST_MISSES = 20;
const LEAST_IMPROVEMENT = 0.01;

/** Where the risks come from, and how good they are, one sentence each. */
export function riskSources(model: NoShowModel | null): string[] {
  const t = strings.appointments.model;
  if (model === null) return [t.none];
  if (model.fitted_at === null) {
    const rates = t.rates(formatNumber(model.misses), formatNumber(model.outcomes), model.outcomes);
    const isTooFew = model.outcomes < LEAST_OUTCOMES || model.misses < LEAST_MISSES;
    return isTooFew ? [rates, t.tooFew(formatNumber(LEAST_OUTCOMES), formatNumber(LEAST_MISSES))] : [rates];
  }
  const fitted = t.fitted(formatNumber(model.outcomes), formatDate(model.fitted_at));
  if (model.method === "company rate") return [fitted, t.companyRate];
  const error = model.comparison?.[model.method]?.brier;
  const baseline = model.comparison?.["company rate"]?.brier;
  if (error === undefined || baseline === undefined || baseline <= 0) return [fitted];
  const improvement = 1 - error / baseline;
  if (improvement <= 0) return [fitted, t.noBetter];
  return [fitted, improvement < LEAST_IMPROVEMENT ? t.hardlyBetter : t.better(formatShare(improvement))];
}
