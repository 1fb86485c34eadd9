/** How fresh the page is: `live` by the stream, `polling` without it, `lost` when the gateway does not answer. */
export type Connection = "connecting" | "live" | "polling" | "lost";

export interface ChangesOptions {
  /** whose journeys changed; null: everything may have */
  onChanged(customers: readonly string[] | null): void;
  onConnection(connection: Connection): void;
  /** asks the gateway whether it is there; rejects when it is not (or the session is over, which others hear of) */
  ask(): Promise<unknown>;
  open?(): EventSource;
}

export const POLL_MS = 15_000;
const RETRY_MS = 2_000;
/** The stream pings each 15 s: so long a silence means that nobody is there. */
const SILENCE_MS = 40_000;

/** Follows the gateway's stream of changes, and asks in intervals while there is none. Returns how to stop. */
export function followChanges(options: ChangesOptions): () => void {
  const { onChanged, onConnection, ask } = options;
  const open = options.open ?? (() => new EventSource("/v1/portal/stream"));
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let behind = false; // whether something may have been missed
  let refusals = 0; // how often the stream failed though the gateway answered

  function later(run: () => void, after: number) {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(run, after);
  }

  function listen() {
    const opened = open();
    source = opened;
    const heard = () => later(fail, SILENCE_MS);
    opened.addEventListener("open", () => {
      refusals = 0;
      heard();
      onConnection("live");
      if (behind) onChanged(null);
      behind = false;
    });
    opened.addEventListener("ping", heard);
    opened.addEventListener("changed", (event) => {
      heard();
      onChanged(customersOf((event as MessageEvent<string>).data));
    });
    opened.addEventListener("error", fail);
    heard();
  }

  function fail() {
    source?.close();
    source = null;
    behind = true;
    clearTimeout(timer);
    void look();
  }

  async function look() {
    try {
      await ask();
    } catch {
      if (stopped) return;
      refusals = 0;
      onConnection("lost");
      later(() => void look(), RETRY_MS);
      return;
    }
    if (stopped) return;
    refusals += 1;
    // A gateway that was restarted streams again at once; one whose stream is cut by a proxy is asked in intervals.
    if (refusals > 1) {
      onConnection("polling");
      onChanged(null);
    }
    later(listen, refusals > 1 ? POLL_MS : 0);
  }

  listen();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}

function customersOf(data: string): readonly string[] | null {
  try {
    const { customers } = JSON.parse(data) as { customers?: unknown };
    return Array.isArray(customers) ? customers.map(String) : null;
  } catch {
    return null;
  }
}
