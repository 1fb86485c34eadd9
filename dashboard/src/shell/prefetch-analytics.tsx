import { useIsFetching } from "@tanstack/react-query";
import { useEffect } from "react";
import { preloadCharts } from "../charts/lazy-charts";
import { useConnection } from "../live/live";
import { Analytics } from "../views/views";

const IDLE_MS = 1_500;

/**
 * Fetches the analytics view and the charts' library as soon as the view that is shown has had all it asked for, for a
 * while: opened later, they have to wait for the figures alone. Not where the browser is asked to save data.
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
