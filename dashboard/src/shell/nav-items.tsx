import { AlertOutlined, BarChartOutlined, DeploymentUnitOutlined, TeamOutlined } from "@ant-design/icons";
import type { ReactNode } from "react";
import { strings } from "../strings";

/** Entries of the main navigation. */
export const NAV_ITEMS: readonly { path: string; name: string; icon: ReactNode }[] = [
  { path: "/action-centre", name: strings.views.actionCentre, icon: <AlertOutlined aria-hidden /> },
  { path: "/customers", name: strings.views.customers, icon: <TeamOutlined aria-hidden /> },
  { path: "/analytics", name: strings.views.analytics, icon: <BarChartOutlined aria-hidden /> },
  { path: "/stages", name: strings.views.stages, icon: <DeploymentUnitOutlined aria-hidden /> },
];
