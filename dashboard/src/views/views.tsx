import { useEffect } from "react";
import { matchPath } from "react-router";
import { usePrefetchAnalytics } from "../api/analytics";
import { preloadCharts } from "../charts/lazy-charts";
import { lazyComponent } from "../components/lazy-component";
import { PageSpinner } from "../components/loading";
import { useAnalyticsQuery } from "./analytics/analytics-query";

const fallback = <PageSpinner />;

// Each view is loaded when it is first gone to; the charts come later still, by themselves.
export const ActionCentre = lazyComponent(() => import("./action-centre/action-centre"), fallback);
export const Analytics = lazyComponent(() => import("./analytics/analytics"), fallback);
export const Customers = lazyComponent(() => import("./customers/customers"), fallback);
export const Journey = lazyComponent(() => import("./journey/journey"), fallback);
export const NotFound = lazyComponent(() => import("./not-found"), fallback);
export const SignIn = lazyComponent(() => import("./sign-in/sign-in"), fallback);
export const Stages = lazyComponent(() => import("./stages/stages"), fallback);

/** Its figures and the charts are asked for while its own code is still on its way. */
function AnalyticsWithPrefetch() {
  usePrefetchAnalytics(useAnalyticsQuery().filter);
  useEffect(preloadCharts, []);
  return <Analytics />;
}
AnalyticsWithPrefetch.preload = Analytics.preload;

/** The views within the shell, by their paths. */
export const VIEWS = [
  { path: "/action-centre", View: ActionCentre },
  { path: "/customers", View: Customers },
  { path: "/customers/:customerId", View: Journey },
  { path: "/analytics", View: AnalyticsWithPrefetch },
  { path: "/stages", View: Stages },
];

/** Begins to fetch the view at an address. */
export function preloadView(pathname: string): void {
  VIEWS.find(({ path }) => matchPath(path, pathname))?.View.preload();
}
