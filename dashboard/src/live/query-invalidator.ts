import type { QueryClient } from "@tanstack/react-query";
import { isAffected } from "../api/query-keys";

/** Lists are asked again at most once in so long, figures (which cost the gateway more) more rarely. */
export const LISTS_MS = 1_000;
export const FIGURES_MS = 5_000;

/** Asks again for what changed, and no more often than is good for anybody. */
export class Refresher {
  private readonly waiting = new Map<"lists" | "figures", ReturnType<typeof setTimeout>>();
  private readonly last = new Map<"lists" | "figures", number>();
  private customers: Set<string> | null = new Set();

  constructor(private readonly queries: Pick<QueryClient, "invalidateQueries">) {}

  /** `customers` null: everything. */
  changed(customers: readonly string[] | null): void {
    if (customers === null) this.customers = null;
    else for (const customer of customers) this.customers?.add(customer);
    this.soon("lists", LISTS_MS);
    this.soon("figures", FIGURES_MS);
  }

  stop(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  private soon(what: "lists" | "figures", atMost: number): void {
    if (this.waiting.has(what)) return;
    const wait = Math.max(0, (this.last.get(what) ?? 0) + atMost - Date.now());
    this.waiting.set(
      what,
      setTimeout(() => this.refresh(what), wait),
    );
  }

  private refresh(what: "lists" | "figures"): void {
    this.waiting.delete(what);
    this.last.set(what, Date.now());
    const customers = what === "lists" ? this.customers : null;
    if (what === "lists") this.customers = new Set();
    void this.queries.invalidateQueries({
      predicate: ({ queryKey }) => isAffected(queryKey, what, customers),
    });
  }
}
