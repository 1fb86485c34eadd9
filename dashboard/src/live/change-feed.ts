/** How fresh the page is: `live` by the stream, `polling` without it, `lost` when the gateway does not answer. */
export type Connection = "connecting" | "live" | "polling" | "lost";

export interface ChangeFeedOptions {
  /** whose journeys changed; null: everything may have */
  onChanged(customers: readonly string[] | null): void;
  onConnection(connection: Connection): void;
  /** asks the gateway whether it is there; rejects when it is not (or the session is over, which others hear of) */
  checkServer(): Promise<unknown>;
  open?(): EventSource;
}

export const POLL_MS = 15_000;
const RETRY_MS = 2_000;
/** The stream pings each 15 s: so long a silence means that nobody is there. */
const SILENCE_MS = 40_000;

/** Follows the gateway's stream of changes, and asks in intervals while there is none. Returns how to stop. */
export function subscribeToChanges(options: ChangeFeedOptions): () => void {
  const { onChanged, onConnection, checkServer } = options;
  const open = options.open ?? (() => new EventSource("/v1/portal/stream"));
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let mayHaveMissedChanges = false; // whether something may have been missed
  let failedStreams = 0; // how often the stream failed though the gateway answered

  function schedule(run: () => void, delay: number) {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(run, delay);
  }

  function openStream() {
    const stream = open();
    source = stream;
    const resetSilenceTimer = () => schedule(handleStreamFailure, SILENCE_MS);
    stream.addEventListener("open", () => {
      failedStreams = 0;
      resetSilenceTimer();
      onConnection("live");
      if (mayHaveMissedChanges) onChanged(null);
      mayHaveMissedChanges = false;
    });
    stream.addEventListener("ping", resetSilenceTimer);
    stream.addEventListener("changed", (event) => {
      resetSilenceTimer();
      onChanged(parseCustomers((event as MessageEvent<string>).data));
    });
    stream.addEventListener("error", handleStreamFailure);
    resetSilenceTimer();
  }

  function handleStreamFailure() {
    source?.close();
    source = null;
    mayHaveMissedChanges = true;
    clearTimeout(timer);
    void checkConnection();
  }

  async function checkConnection() {
    try {
      await checkServer();
    } catch {
      if (stopped) return;
      failedStreams = 0;
      onConnection("lost");
      schedule(() => void checkConnection(), RETRY_MS);
      return;
    }
    if (stopped) return;
    failedStreams += 1;
    // A gateway that was restarted streams again at once; one whose stream is cut by a proxy is asked in intervals.
    if (failedStreams > 1) {
      onConnection("polling");
      onChanged(null);
    }
    schedule(openStream, failedStreams > 1 ? POLL_MS : 0);
  }

  openStream();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}

function parseCustomers(data: string): readonly string[] | null {
  try {
    const { customers } = JSON.parse(data) as { customers?: unknown };
    return Array.isArray(customers) ? customers.map(String) : null;
  } catch {
    return null;
  }
}
