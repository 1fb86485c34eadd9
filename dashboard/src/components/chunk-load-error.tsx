import { useEffect } from "react";
import { strings } from "../strings";
import { ReloadAlert } from "./reload-alert";

const RETRY_MS = 2_000;
/** Minimum time between automatic reloads, so that a missing chunk cannot cause a reload loop. */
const MIN_RELOAD_INTERVAL_MS = 60_000;
const RELOADED_AT = "reloaded";

/**
 * Shown when a code chunk could not be loaded: the server was unavailable, or serves a newer build. Browsers cache a
 * failed module import until the page is reloaded, so this reloads the page as soon as the server responds.
 */
export function ChunkLoadError() {
  useEffect(() => {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT)) < MIN_RELOAD_INTERVAL_MS) return;
    const timer = setInterval(() => void reloadWhenServerResponds(), RETRY_MS);
    void reloadWhenServerResponds();
    return () => clearInterval(timer);
  }, []);
  return (
    <ReloadAlert type="warning" title={strings.common.chunkError} hint={strings.common.chunkErrorHint} />
  );
}

async function reloadWhenServerResponds(): Promise<void> {
  const response = await fetch("/livez", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) return;
  sessionStorage.setItem(RELOADED_AT, String(Date.now()));
  location.reload();
}
