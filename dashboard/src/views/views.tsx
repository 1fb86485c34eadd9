import { useEffect } from "react";
import { matchPath } from "react-router";
import { useFiguresAhead } from "../api/figures";
import { fetchChartsAhead } from "../charts/lazy";
import { lazyComponent } from "../components/lazy-component";
import { Loading } from "../parts/loading";
import { useView } from "./analytics/view";

const meanwhile = <Loading />;

// Each view is loaded when it is first gone to; the charts come later still, by themselves.
export const ActionCentre = lazyComponent(() => import("./action-centre/action-centre"), meanwhile);
export const Analytics = lazyComponent(() => import("./analytics/analytics"), meanwhile);
export const Customers = lazyComponent(() => import("./customers/customers"), meanwhile);
export const Journey = lazyComponent(() => import("./journey/journey"), meanwhile);
export const NotFound = lazyComponent(() => import("./not-found"), meanwhile);
export const SignIn = lazyComponent(() => import("./sign-in/sign-in"), meanwhile);
export const Stages = lazyComponent(() => import("./stages/stages"), meanwhile);

/** Its figures and the charts are asked for while its own code is still on its way. */
function AnalyticsAsked() {
  useFiguresAhead(useView().view);
  useEffect(fetchChartsAhead, []);
  return <Analytics />;
}
AnalyticsAsked.fetchAhead = Analytics.fetchAhead;

/** The views within the shell, by their paths. */
export const VIEWS = [
  { path: "/action-centre", View: ActionCentre },
  { path: "/customers", View: Customers },
  { path: "/customers/:customerId", View: Journey },
  { path: "/analytics", View: AnalyticsAsked },
  { path: "/stages", View: Stages },
];

/** Begins to fetch the view at an address. */
export function fetchViewAhead(pathname: string): void {
  VIEWS.find(({ path }) => matchPath(path, pathname))?.View.fetchAhead();
}
