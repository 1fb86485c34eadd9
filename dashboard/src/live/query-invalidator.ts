import type { QueryClient } from "@tanstack/react-query";
import { isAffected } from "../api/query-keys";

/** Minimum intervals between refetches; analytics queries are more expensive than lists. */
export const LISTS_MS = 1_000;
export const ANALYTICS_MS = 5_000;

/** Invalidate the queries affected by changes, at a limited rate. */
export class QueryInvalidator {
  private readonly timers = new Map<"lists" | "analytics", ReturnType<typeof setTimeout>>();
  private readonly lastRun = new Map<"lists" | "analytics", number>();
  private customers: Set<string> | null = new Set();

  constructor(private readonly queries: Pick<QueryClient, "invalidateQueries">) {}

  /** Record changed customers; null means that any may have changed. */
  changed(customers: readonly string[] | null): void {
    if (customers === null) this.customers = null;
    else for (const customer of customers) this.customers?.add(customer);
    this.schedule("lists", LISTS_MS);
    this.schedule("analytics", ANALYTICS_MS);
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private schedule(scope: "lists" | "analytics", interval: number): void {
    if (this.timers.has(scope)) return;
    const delay = Math.max(0, (this.lastRun.get(scope) ?? 0) + interval - Date.now());
    this.timers.set(
      scope,
      setTimeout(() => this.invalidate(scope), delay),
    );
  }

  private invalidate(scope: "lists" | "analytics"): void {
    this.timers.delete(scope);
    this.lastRun.set(scope, Date.now());
    const customers = scope === "lists" ? this.customers : null;
    if (scope === "lists") this.customers = new Set();
    void this.queries.invalidateQueries({
      predicate: ({ queryKey }) => isAffected(queryKey, scope, customers),
    });
  }
}
