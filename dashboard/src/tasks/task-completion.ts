import { completeTask } from "../api/mutations";

/** How long a task that was called done can be taken back: what the gateway has finished stays finished. */
export const UNDO_MS = 5_000;

interface PendingCompletion {
  timer: ReturnType<typeof setTimeout>;
  callbacks: { onCompleted(): void; onUndone(): void; onFailed(error: Error): void };
}

/**
 * Tasks that somebody has called done: they vanish at once, and the gateway hears of it a little later, so that a slip can
 * be undone. Who closes the page fallback meant it.
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

  /** The tasks that are called done and may still be taken back, or are just being finished. */
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

  /** Send all at once, by requests that outlive the page; resolves when they are answered. */
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
      // It is hidden until the lists have been asked again, which no longer have it.
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
