import { useEffect } from "react";
import { strings } from "../strings";
import { ReloadAlert } from "./reload-alert";

const RETRY_MS = 2_000;
/** So long after a reload that did not help, the page is not reloaded by itself again. */
const MIN_RELOAD_INTERVAL_MS = 60_000;
const RELOADED_AT = "reloaded";

/**
 * A piece of the page's code could not be fetched: the gateway was away, or has another build by now. The browser keeps
 * such a failure for as long as the page lives, so the page is loaded again, as soon as the gateway is there to send it.
 */
export function ChunkLoadError() {
  useEffect(() => {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT)) < MIN_RELOAD_INTERVAL_MS) return;
    const timer = setInterval(() => void reloadWhenServerResponds(), RETRY_MS);
    void reloadWhenServerResponds();
    return () => clearInterval(timer);
  }, []);
  return <ReloadAlert type="warning" title={strings.common.missing} hint={strings.common.missingHint} />;
}

async function reloadWhenServerResponds(): Promise<void> {
  const response = await fetch("/livez", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) return;
  sessionStorage.setItem(RELOADED_AT, String(Date.now()));
  location.reload();
}
