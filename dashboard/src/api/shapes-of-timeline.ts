import type { LedgerEvent, Transition } from "./shapes";
import type { Action } from "./shapes-of-work";

/** What happened in a journey: `at` is when it took effect. */
export type Entry =
  | ({ kind: "transition"; at: string } & Transition)
  | ({ kind: "event"; at: string } & LedgerEvent)
  | ({ kind: "action"; at: string } & ActionShown);

/** Of an action, what a timeline has. */
export type ActionShown = Pick<
  Action,
  "id" | "action" | "stage" | "status" | "attempts" | "last_error" | "due_at" | "created_at"
> & { reason?: string | null; detail?: Record<string, unknown> };

/** Newest first. */
export interface TimelinePage {
  timeline: Entry[];
  next_cursor: string | null;
}
