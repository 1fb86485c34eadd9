import {
  AlertOutlined,
  BarChartOutlined,
  CalendarOutlined,
  DeploymentUnitOutlined,
  ExclamationCircleOutlined,
  TeamOutlined,
} from "@ant-design/icons";
import type { ComponentType, ReactNode } from "react";
import { strings } from "../strings";
import { ProblemsBadge } from "./problems-badge";

/** Entries of the main navigation. */
export const NAV_ITEMS: readonly { path: string; name: string; icon: ReactNode; Badge?: ComponentType }[] = [
  { path: "/action-centre", name: strings.views.actionCentre, icon: <AlertOutlined aria-hidden /> },
  { path: "/appointments", name: strings.views.appointments, icon: <CalendarOutlined aria-hidden /> },
  { path: "/customers", name: strings.views.customers, icon: <TeamOutlined aria-hidden /> },
  {
    path: "/action-problems",
    name: strings.views.problems,
    icon: <ExclamationCircleOutlined aria-hidden />,
    Badge: ProblemsBadge,
  },
  { path: "/analytics", name: strings.views.analytics, icon: <BarChartOutlined aria-hidden /> },
  { path: "/stages", name: strings.views.stages, icon: <DeploymentUnitOutlined aria-hidden /> },
];
