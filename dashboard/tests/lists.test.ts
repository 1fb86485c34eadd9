import { describe, expect, test, vi } from "vitest";
import { daysBefore } from "../src/api/analytics";
import { isAffected, queryKeys } from "../src/api/query-keys";
import type { Prediction, Stage } from "../src/api/types";
import { ANALYTICS_MS, LISTS_MS, QueryInvalidator } from "../src/live/query-invalidator";
import { taskQuery } from "../src/tasks/lists";
import {
  listableStages,
  parseListing,
  toSearchParams as toListingParams,
  toApiQuery as toPredictionsQuery,
} from "../src/views/action-centre/listing";
import { runBulkAction } from "../src/views/action-centre/run-bulk-action";
import { sortRows } from "../src/views/action-centre/search-and-sort";
import {
  parseAnalyticsQuery,
  toSearchParams as toAnalyticsParams,
} from "../src/views/analytics/analytics-query";
import { parseSearch, toApiQuery, toSearchParams } from "../src/views/customers/search";

const row = (customer_id: string, more: Partial<Prediction> = {}) =>
  ({ customer_id, name: null, email: null, ...more }) as Prediction;

describe("list of customers at risk", () => {
  test("sorts unknown values last in both directions", () => {
    const rows = [
      row("a", { return_probability: null }),
      row("b", { return_probability: 0.2 }),
      row("c", { return_probability: 0.9 }),
    ];
    const order = (descending: boolean) =>
      sortRows(rows, "return_probability", descending).map((row) => row.customer_id);
    expect(order(true)).toEqual(["c", "b", "a"]);
    expect(order(false)).toEqual(["b", "c", "a"]);
  });

  test("a bulk action continues after failures and returns them in order", async () => {
    const customers = ["a", "b", "c", "d", "e", "f"];
    const progress: number[] = [];
    const run = (id: string) =>
      id === "b" || id === "e" ? Promise.reject(new Error(`no ${id}`)) : Promise.resolve();
    const failures = await runBulkAction(customers, run, (done) => progress.push(done));
    expect(failures.map(({ customer, error }) => [customer, error.message])).toEqual([
      ["b", "no b"],
      ["e", "no e"],
    ]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

test("searches and analytics queries survive a round trip through the URL", () => {
  const search = parseSearch(
    new URLSearchParams("find=ada&stage=vip&stage=lead&risk=high&sort=name&order=asc"),
  );
  expect(parseSearch(toSearchParams(search))).toEqual(search);
  expect(toApiQuery(search, { high: 0.71, medium: 0.3 })).toEqual({
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
  const view = parseAnalyticsQuery(new URLSearchParams("period=year&as_of=2026-01-01T00:00:00Z"));
  expect(parseAnalyticsQuery(toAnalyticsParams(view))).toEqual(view);
  expect(parseAnalyticsQuery(new URLSearchParams("period=eon&as_of=soon"))).toEqual({
    period: "month",
    asOf: null,
  });
  expect(daysBefore("2026-03-01", 1)).toBe("2026-02-28");
});

describe("changes of customers", () => {
  test("affect the journeys of those customers, all lists and all analytics", () => {
    const changed = new Set(["c-1"]);
    expect(isAffected(queryKeys.timeline("c-1", []), "lists", changed)).toBe(true);
    expect(isAffected(queryKeys.journey("c-2"), "lists", changed)).toBe(false);
    expect(isAffected(queryKeys.journey("c-2"), "lists", null)).toBe(true);
    expect(isAffected(queryKeys.tasks({}), "lists", changed)).toBe(true);
    expect(isAffected(queryKeys.analytics("/", {}), "lists", changed)).toBe(false);
    expect(isAffected(queryKeys.analytics("/", {}), "analytics", changed)).toBe(true);
    expect(isAffected(queryKeys.stages, "lists", null)).toBe(false);
  });

  test("are refetched immediately, then at a limited rate", async () => {
    vi.useFakeTimers();
    const invalidateQueries = vi.fn();
    const invalidator = new QueryInvalidator({ invalidateQueries });
    for (let times = 0; times < 50; times++) {
      invalidator.changed([`c-${times}`]);
      await vi.advanceTimersByTimeAsync(100);
    }
    // Five seconds of changes: lists immediately and then every second, analytics immediately and after five seconds.
    expect(invalidateQueries).toHaveBeenCalledTimes(5_000 / LISTS_MS + 1 + 5_000 / ANALYTICS_MS + 1);
    invalidator.stop();
    vi.useRealTimers();
  });
});

describe("lists of tasks", () => {
  test("are queries of the API", () => {
    expect(taskQuery("open", "c-1", null)).toEqual({ customer_id: "c-1" });
    expect(taskQuery("mine", null, 7)).toEqual({ assigned_to: "7" });
    expect(taskQuery("overdue", null, 7)).toEqual({ overdue: true });
    expect(taskQuery("done", "c-1", 7)).toEqual({ customer_id: "c-1", status: "all", sort: "done_at" });
  });
});

describe("who is listed in the action centre", () => {
  const stages = [
    { stage_key: "customer", role: null },
    { stage_key: "vip", role: "vip" },
    { stage_key: "at_risk", role: "at_risk" },
    { stage_key: "churned", role: "lost" },
  ] as Stage[];
  const levels = { high: 0.71, medium: 0.3 };
  const query = (text: string) => toPredictionsQuery(parseListing(new URLSearchParams(text)), stages, levels);

  test("customers at risk, and others on request", () => {
    expect(query("")).toEqual({});
    expect(query("lost=yes")).toEqual({ include_lost: true });
    expect(query("lost=yes&stage=churned")).toEqual({ include_lost: true, stage: ["churned"] });
    expect(query("show=high_risk")).toEqual({ min_risk: 0.71 });
    const unlikely = { max_return_probability: 0.5 };
    expect(query("show=unlikely")).toEqual({ ...unlikely, stage: ["customer", "vip"] });
    expect(query("show=unlikely&stage=vip&lost=yes")).toEqual({ ...unlikely, stage: ["vip"] });
  });

  test("stages that cannot be listed or do not exist are ignored", () => {
    expect(query("stage=churned&stage=gone")).toEqual({});
    expect(listableStages(stages, { group: "at_risk", withLost: false })).toEqual([stages[2]]);
  });

  test("waits for the company's settings where it needs them, and survives a round trip through the URL", () => {
    const listing = parseListing(new URLSearchParams("show=high_risk&stage=vip&lost=yes"));
    expect(toPredictionsQuery(listing, undefined, null)).toBeNull();
    expect(parseListing(toListingParams(listing))).toEqual(listing);
  });
});
