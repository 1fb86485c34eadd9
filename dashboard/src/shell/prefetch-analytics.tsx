import { useIsFetching } from "@tanstack/react-query";
import { useEffect } from "react";
import { preloadCharts } from "../charts/lazy-charts";
import { useConnection } from "../live/live";
import { Analytics } from "../views/views";

const PAUSE_MS = 1_500;

/**
 * Fetches the analytics view and the charts' library as soon as the view that is shown has had all it asked for, for a
 * while: opened later, they have to wait for the figures alone. Not where the browser is asked to save data.
 */
export function PrefetchAnalytics() {
  const isQuiet = useIsFetching() === 0;
  const isLive = useConnection() === "live";
  useEffect(() => {
    if (!isQuiet || !isLive || savesData()) return;
    const timer = setTimeout(() => {
      Analytics.preload();
      preloadCharts();
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [isQuiet, isLive]);
  return null;
}

function savesData(): boolean {
  return "connection" in navigator && (navigator.connection as { saveData?: boolean }).saveData === true;
}
