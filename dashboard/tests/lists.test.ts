import { describe, expect, test, vi } from "vitest";
import { daysBefore } from "../src/api/analytics";
import { isAffected, queryKeys } from "../src/api/query-keys";
import type { Prediction } from "../src/api/shapes-of-work";
import { ANALYTICS_MS, LISTS_MS, QueryInvalidator } from "../src/live/query-invalidator";
import { TaskCompletionQueue, UNDO_MS } from "../src/tasks/task-completion";
import { runBulkAction } from "../src/views/action-centre/run-bulk-action";
import { filterRows, sortRows } from "../src/views/action-centre/search-and-sort";
import {
  parseAnalyticsQuery as readView,
  toSearchParams as writtenView,
} from "../src/views/analytics/analytics-query";
import { parseSearch, toSearchParams } from "../src/views/customers/search";

const row = (customer_id: string, more: Partial<Prediction> = {}) =>
  ({ customer_id, name: null, email: null, ...more }) as Prediction;

describe("the at-risk list", () => {
  test("what is not known comes last either way", () => {
    const rows = [
      row("a", { return_probability: null }),
      row("b", { return_probability: 0.2 }),
      row("c", { return_probability: 0.9 }),
    ];
    const order = (descending: boolean) =>
      sortRows(rows, "return_probability", descending).map((ids) => ids.customer_id);
    expect(order(true)).toEqual(["c", "b", "a"]);
    expect(order(false)).toEqual(["b", "c", "a"]);
  });

  test("is searched by name, id and address", () => {
    const rows = [row("c-1", { name: "Ada" }), row("c-2", { email: "BEN@example.com" }), row("x-3")];
    const ids = (text: string) => filterRows(rows, text).map((one) => one.customer_id);
    expect(ids(" ada ")).toEqual(["c-1"]);
    expect(ids("ben@")).toEqual(["c-2"]);
    expect(ids("x-")).toEqual(["x-3"]);
    expect(ids("")).toHaveLength(3);
  });

  test("a bulk action goes on past who is refused, and says who", async () => {
    const customers = ["a", "b", "c", "d", "e", "f"];
    const progress: number[] = [];
    const ask = (id: string) =>
      id === "b" || id === "e" ? Promise.reject(new Error(`no ${id}`)) : Promise.resolve();
    const refused = await runBulkAction(customers, ask, (done) => progress.push(done));
    expect(refused.map(({ customer, error }) => [customer, error.message])).toEqual([
      ["b", "no b"],
      ["e", "no e"],
    ]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

test("a search and a view are the same after they stood in the address", () => {
  const search = parseSearch(
    new URLSearchParams("find=ada&stage=vip&stage=lead&risk=high&sort=name&order=asc"),
  );
  expect(parseSearch(toSearchParams(search))).toEqual(search);
  expect(search.query).toEqual({
    sort: "name",
    order: "asc",
    min_risk: 0.71,
    search: "ada",
    stage: ["vip", "lead"],
  });
  expect(parseSearch(new URLSearchParams("risk=toString&sort=nonsense"))).toMatchObject({
    risk: null,
    sort: "risk",
  });
  const view = readView(new URLSearchParams("period=year&as_of=2026-01-01T00:00:00Z"));
  expect(readView(writtenView(view))).toEqual(view);
  expect(readView(new URLSearchParams("period=eon&as_of=soon"))).toEqual({ period: "month", asOf: null });
  expect(daysBefore("2026-03-01", 1)).toBe("2026-02-28");
});

describe("what a change makes stale", () => {
  test("that customer's journey and all lists, no other journey", () => {
    const changed = new Set(["c-1"]);
    expect(isAffected(queryKeys.timeline("c-1", []), "lists", changed)).toBe(true);
    expect(isAffected(queryKeys.journey("c-2"), "lists", changed)).toBe(false);
    expect(isAffected(queryKeys.journey("c-2"), "lists", null)).toBe(true);
    expect(isAffected(queryKeys.tasks(null), "lists", changed)).toBe(true);
    expect(isAffected(queryKeys.analytics({}), "lists", changed)).toBe(false);
    expect(isAffected(queryKeys.analytics({}), "analytics", changed)).toBe(true);
    expect(isAffected(queryKeys.stages, "lists", null)).toBe(false);
  });

  test("is asked again at once, then only in intervals", async () => {
    vi.useFakeTimers();
    const invalidateQueries = vi.fn();
    const invalidator = new QueryInvalidator({ invalidateQueries });
    for (let times = 0; times < 50; times++) {
      invalidator.changed([`c-${times}`]);
      await vi.advanceTimersByTimeAsync(100);
    }
    // Five seconds of changes: at once and then each second, of figures at once and at the end.
    expect(invalidateQueries).toHaveBeenCalledTimes(5_000 / LISTS_MS + 1 + 5_000 / ANALYTICS_MS + 1);
    invalidator.stop();
    vi.useRealTimers();
  });
});

describe("a task that is called done", () => {
  const makeCallbacks = () => ({ onCompleted: vi.fn(), onUndone: vi.fn(), onFailed: vi.fn() });

  test("can be taken back, and then nobody hears of it", async () => {
    vi.useFakeTimers();
    const finish = vi.fn(() => Promise.resolve());
    const [queue, callbacks] = [new TaskCompletionQueue(finish), makeCallbacks()];
    queue.start(7, callbacks);
    expect(queue.getHiddenIds().has(7)).toBe(true);
    queue.undo(7);
    await vi.advanceTimersByTimeAsync(2 * UNDO_MS);
    expect(finish).not.toHaveBeenCalled();
    expect(callbacks.onUndone).toHaveBeenCalledOnce();
    expect(queue.getHiddenIds().size).toBe(0);
    vi.useRealTimers();
  });

  test("is finished once, after a while or when the page goes", async () => {
    vi.useFakeTimers();
    const finish = vi.fn(() => Promise.resolve());
    const [queue, callbacks] = [new TaskCompletionQueue(finish), makeCallbacks()];
    queue.start(7, callbacks);
    queue.start(7, callbacks);
    await queue.flush();
    await vi.advanceTimersByTimeAsync(2 * UNDO_MS);
    expect(finish).toHaveBeenCalledExactlyOnceWith(7, true);
    expect(callbacks.onCompleted).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });

  test("that could not be finished comes back", async () => {
    vi.useFakeTimers();
    const [queue, callbacks] = [
      new TaskCompletionQueue(() => Promise.reject(new Error("no"))),
      makeCallbacks(),
    ];
    queue.start(7, callbacks);
    await vi.advanceTimersByTimeAsync(UNDO_MS + 10);
    expect(callbacks.onFailed).toHaveBeenCalledOnce();
    expect(queue.getHiddenIds().has(7)).toBe(false);
    vi.useRealTimers();
  });
});
