import { useEffect } from "react";
import { matchPath } from "react-router";
import { usePrefetchAnalytics } from "../api/analytics";
import { preloadCharts } from "../charts/lazy-charts";
import { lazyComponent } from "../components/lazy-component";
import { PageSpinner } from "../components/loading";
import { useAnalyticsQuery } from "./analytics/analytics-query";

const fallback = <PageSpinner />;

// Each view is a chunk of its own; charts are loaded separately.
export const ActionCentre = lazyComponent(() => import("./action-centre/action-centre"), fallback);
export const Analytics = lazyComponent(() => import("./analytics/analytics"), fallback);
export const Appointments = lazyComponent(() => import("./appointments/appointments"), fallback);
export const Customers = lazyComponent(() => import("./customers/customers"), fallback);
export const Duplicates = lazyComponent(() => import("./duplicates/duplicates"), fallback);
export const Journey = lazyComponent(() => import("./journey/journey"), fallback);
export const NotFound = lazyComponent(() => import("./not-found"), fallback);
export const Problems = lazyComponent(() => import("./problems/problems"), fallback);
export const RulePages = lazyComponent(() => import("./stages/rule-pages"), fallback);
export const SignIn = lazyComponent(() => import("./sign-in/sign-in"), fallback);
export const Stages = lazyComponent(() => import("./stages/stages"), fallback);

/** Request the data and the charts while the view's own code is still loading. */
function AnalyticsWithPrefetch() {
  usePrefetchAnalytics(useAnalyticsQuery().filter);
  useEffect(preloadCharts, []);
  return <Analytics />;
}
AnalyticsWithPrefetch.preload = Analytics.preload;

/** Routes inside the shell. (`/problems` is the API's documentation of its errors.) */
export const VIEWS = [
  { path: "/action-centre", View: ActionCentre },
  { path: "/appointments", View: Appointments },
  { path: "/customers", View: Customers },
  { path: "/customers/:customerId", View: Journey },
  { path: "/duplicates", View: Duplicates },
  { path: "/action-problems", View: Problems },
  { path: "/analytics", View: AnalyticsWithPrefetch },
  { path: "/stages", View: Stages },
  { path: "/stages/*", View: RulePages },
];

/** Start loading the view for a path. */
export function preloadView(pathname: string): void {
  VIEWS.find(({ path }) => matchPath(path, pathname))?.View.preload();
}
