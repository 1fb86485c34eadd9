import type { ComponentType } from "react";
import type { AnalyticsQuery } from "../../api/analytics";
import type { JourneyAnalytics } from "../../api/types";

export interface CardProps {
  filter: AnalyticsQuery;
  /** the journey analytics of the filter, which the view has loaded already */
  figures: JourneyAnalytics;
}

/** What each file in `cards/` exports as `card`. */
export interface AnalyticsCard {
  /** the card's place in the view, ascending */
  order: number;
  /** whether the card is rendered only after the first paint */
  isBelowFold?: boolean;
  Card: ComponentType<CardProps>;
}
