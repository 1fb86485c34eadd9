import { completeTask } from "../api/mutations";

/** How long completing a task can be undone. The API has no way to reopen a task. */
export const UNDO_MS = 5_000;

interface PendingCompletion {
  timer: ReturnType<typeof setTimeout>;
  callbacks: { onCompleted(): void; onUndone(): void; onFailed(error: Error): void };
}

/**
 * Tasks marked as done: hidden immediately, sent to the API after a delay, so that a mistake can be undone. Closing the
 * page sends them at once.
 */
export class TaskCompletionQueue {
  private readonly pending = new Map<number, PendingCompletion>();
  private readonly listeners = new Set<() => void>();
  private hiddenIds: ReadonlySet<number> = new Set();

  constructor(
    private readonly complete: (taskId: number, keepalive?: boolean) => Promise<unknown> = completeTask,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Ids of tasks that are marked as done but may still appear in the API's lists. */
  getHiddenIds = (): ReadonlySet<number> => this.hiddenIds;

  start(taskId: number, callbacks: PendingCompletion["callbacks"]): void {
    if (this.pending.has(taskId)) return;
    const timer = setTimeout(() => void this.send(taskId), UNDO_MS);
    this.pending.set(taskId, { timer, callbacks });
    this.setHiddenIds(new Set([...this.hiddenIds, taskId]));
  }

  undo(taskId: number): void {
    const pending = this.pending.get(taskId);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.pending.delete(taskId);
    this.unhide(taskId);
    pending.callbacks.onUndone();
  }

  /** Send all pending completions now, with requests that outlive the page. */
  async flush(): Promise<void> {
    await Promise.all([...this.pending.keys()].map((taskId) => this.send(taskId, true)));
  }

  private async send(taskId: number, keepalive = false): Promise<void> {
    const pending = this.pending.get(taskId);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.pending.delete(taskId);
    try {
      await this.complete(taskId, keepalive);
      pending.callbacks.onCompleted();
      // Keep it hidden until the lists have been refetched without it.
      setTimeout(() => this.unhide(taskId), UNDO_MS);
    } catch (error) {
      this.unhide(taskId);
      pending.callbacks.onFailed(error as Error);
    }
  }

  private unhide(taskId: number): void {
    this.setHiddenIds(new Set([...this.hiddenIds].filter((id) => id !== taskId)));
  }

  private setHiddenIds(ids: ReadonlySet<number>): void {
    this.hiddenIds = ids;
    for (const notify of this.listeners) notify();
  }
}

export const taskCompletions = new TaskCompletionQueue();
if (typeof addEventListener === "function") addEventListener("pagehide", () => void taskCompletions.flush());
