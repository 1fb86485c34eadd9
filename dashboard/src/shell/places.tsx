import { AlertOutlined, BarChartOutlined, DeploymentUnitOutlined, TeamOutlined } from "@ant-design/icons";
import type { ReactNode } from "react";
import { words } from "../words";

/** Where the menu leads. */
export const PLACES: readonly { path: string; name: string; icon: ReactNode }[] = [
  { path: "/action-centre", name: words.views.actionCentre, icon: <AlertOutlined aria-hidden /> },
  { path: "/customers", name: words.views.customers, icon: <TeamOutlined aria-hidden /> },
  { path: "/analytics", name: words.views.analytics, icon: <BarChartOutlined aria-hidden /> },
  { path: "/stages", name: words.views.stages, icon: <DeploymentUnitOutlined aria-hidden /> },
];
