import { useIsFetching } from "@tanstack/react-query";
import { useEffect } from "react";
import { preloadCharts } from "../charts/lazy-charts";
import { useConnection } from "../live/live";
import { Analytics } from "../views/views";

const IDLE_MS = 1_500;

/**
 * Preload the analytics view and the chart library once the current view has been idle for a while, so that opening
 * analytics only has to wait for its data. Skipped if the browser is in data-saving mode.
 */
export function PrefetchAnalytics() {
  const isIdle = useIsFetching() === 0;
  const isLive = useConnection() === "live";
  useEffect(() => {
    if (!isIdle || !isLive || prefersReducedData()) return;
    const timer = setTimeout(() => {
      Analytics.preload();
      preloadCharts();
    }, IDLE_MS);
    return () => clearTimeout(timer);
  }, [isIdle, isLive]);
  return null;
}

function prefersReducedData(): boolean {
  return "connection" in navigator && (navigator.connection as { saveData?: boolean }).saveData === true;
}
