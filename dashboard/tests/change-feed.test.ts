import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Connection, POLL_MS, subscribeToChanges } from "../src/live/change-feed";

class Source extends EventTarget {
  closed = false;
  close() {
    this.closed = true;
  }
  emit(type: string, data?: string) {
    this.dispatchEvent(data === undefined ? new Event(type) : new MessageEvent(type, { data }));
  }
}

let sources: Source[];
let changed: (readonly string[] | null)[];
let connections: Connection[];
let server: "up" | "down";
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  [sources, changed, connections, server] = [[], [], [], "up"];
  stop = subscribeToChanges({
    onChanged: (customers) => changed.push(customers),
    onConnection: (connection) => connections.push(connection),
    checkServer: () => (server === "up" ? Promise.resolve() : Promise.reject(new Error("down"))),
    open: () => {
      const source = new Source();
      sources.push(source);
      return source as unknown as EventSource;
    },
  });
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

const last = () => sources.at(-1) as Source;

describe("while the stream is open", () => {
  test("reports whose journeys changed; null and invalid data mean any", () => {
    last().emit("open");
    last().emit("changed", '{"customers": ["c-1", 2], "at": "…"}');
    last().emit("changed", '{"customers": null}');
    last().emit("changed", "no json");
    expect(connections).toEqual(["live"]);
    expect(changed).toEqual([["c-1", "2"], null, null]);
  });

  test("pings keep it open, silence closes it", async () => {
    last().emit("open");
    for (let seconds = 0; seconds < 90; seconds += 15) {
      await vi.advanceTimersByTimeAsync(15_000);
      last().emit("ping", "{}");
    }
    expect(sources).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(41_000);
    expect(sources[0]?.closed).toBe(true);
    expect(sources.length).toBeGreaterThan(1);
  });
});

describe("when the stream ends", () => {
  test("and the server responds, it is reopened and everything is refetched", async () => {
    last().emit("open");
    last().emit("error");
    await vi.advanceTimersByTimeAsync(10);
    expect(sources).toHaveLength(2);
    last().emit("open");
    expect(changed).toEqual([null]);
    expect(connections).toEqual(["live", "live"]);
  });

  test("and the server responds but never streams, it polls", async () => {
    last().emit("error");
    await vi.advanceTimersByTimeAsync(10);
    last().emit("error");
    await vi.advanceTimersByTimeAsync(10);
    expect(connections).toEqual(["polling"]);
    expect(changed).toEqual([null]);
    await vi.advanceTimersByTimeAsync(POLL_MS);
    last().emit("error");
    await vi.advanceTimersByTimeAsync(10);
    expect(changed).toEqual([null, null]);
  });

  test("and the server does not respond, it is offline until the server is back", async () => {
    last().emit("open");
    server = "down";
    last().emit("error");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connections).toContain("offline");
    expect(sources).toHaveLength(1);
    server = "up";
    await vi.advanceTimersByTimeAsync(3_000);
    last().emit("open");
    expect(connections.at(-1)).toBe("live");
    expect(changed).toEqual([null]);
  });

  test("nothing happens after unsubscribing", async () => {
    stop();
    expect(last().closed).toBe(true);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sources).toHaveLength(1);
    expect(changed).toEqual([]);
  });
});
