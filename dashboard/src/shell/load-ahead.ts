const PAUSE = 1500; // ms in which nothing is asked for

/**
 * Loads the figures' view, and with it the charts, when the view that is shown has all that it asked for: opened later,
 * it has to wait for its figures alone. Not where the browser is asked to save data. Ends the wait by what it returns.
 */
export function loadAhead(): () => void {
  if ("connection" in navigator && (navigator.connection as { saveData?: boolean }).saveData) return () => {};
  // Where it fails, the view says so when it is opened.
  const timer = setTimeout(() => void import("../views/analytics/analytics").catch(() => undefined), PAUSE);
  return () => clearTimeout(timer);
}
