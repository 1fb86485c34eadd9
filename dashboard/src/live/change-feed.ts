/** `live`: receiving the stream; `polling`: without the stream; `offline`: the server does not respond. */
export type Connection = "connecting" | "live" | "polling" | "offline";

export interface ChangeFeedOptions {
  /** ids of customers whose journeys changed; null: any may have changed */
  onChanged(customers: readonly string[] | null): void;
  onConnection(connection: Connection): void;
  /** checks whether the server responds; rejects if not */
  checkServer(): Promise<unknown>;
  open?(): EventSource;
}

export const POLL_MS = 15_000;
const RETRY_MS = 2_000;
/** The stream sends a ping every 15 s; a longer silence means that the connection is dead. */
const SILENCE_MS = 40_000;

/** Subscribe to the server's change feed, and fall back to polling. Returns a function that unsubscribes. */
export function subscribeToChanges(options: ChangeFeedOptions): () => void {
  const { onChanged, onConnection, checkServer } = options;
  const open = options.open ?? (() => new EventSource("/v1/portal/stream"));
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let mayHaveMissedChanges = false;
  let failedStreams = 0; // consecutive stream failures while the server responded

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
      onConnection("offline");
      schedule(() => void checkConnection(), RETRY_MS);
      return;
    }
    if (stopped) return;
    failedStreams += 1;
    // After a restart the stream works again at once. If it fails repeatedly, a proxy may be blocking it: poll instead.
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
