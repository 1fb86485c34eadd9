import { completeTask } from "../api/mutations";

/** How long a task that was called done can be taken back: what the gateway has finished stays finished. */
export const UNDO_MS = 5_000;

interface Waiting {
  timer: ReturnType<typeof setTimeout>;
  settle: { done(): void; undone(): void; failed(error: Error): void };
}

/**
 * Tasks that somebody has called done: they vanish at once, and the gateway hears of it a little later, so that a slip can
 * be undone. Who closes the page fallback meant it.
 */
export class Finishing {
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Set<() => void>();
  private shown: ReadonlySet<number> = new Set();

  constructor(
    private readonly finish: (taskId: number, keepalive?: boolean) => Promise<unknown> = completeTask,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The tasks that are called done and may still be taken back, or are just being finished. */
  ids = (): ReadonlySet<number> => this.shown;

  start(taskId: number, settle: Waiting["settle"]): void {
    if (this.waiting.has(taskId)) return;
    const timer = setTimeout(() => void this.send(taskId), UNDO_MS);
    this.waiting.set(taskId, { timer, settle });
    this.show(new Set([...this.shown, taskId]));
  }

  undo(taskId: number): void {
    const waiting = this.waiting.get(taskId);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.waiting.delete(taskId);
    this.forget(taskId);
    waiting.settle.undone();
  }

  /** Send all at once, by requests that outlive the page; resolves when they are answered. */
  async flush(): Promise<void> {
    await Promise.all([...this.waiting.keys()].map((taskId) => this.send(taskId, true)));
  }

  private async send(taskId: number, keepalive = false): Promise<void> {
    const waiting = this.waiting.get(taskId);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.waiting.delete(taskId);
    try {
      await this.finish(taskId, keepalive);
      waiting.settle.done();
      // It is hidden until the lists have been asked again, which no longer have it.
      setTimeout(() => this.forget(taskId), UNDO_MS);
    } catch (error) {
      this.forget(taskId);
      waiting.settle.failed(error as Error);
    }
  }

  private forget(taskId: number): void {
    this.show(new Set([...this.shown].filter((id) => id !== taskId)));
  }

  private show(ids: ReadonlySet<number>): void {
    this.shown = ids;
    for (const told of this.listeners) told();
  }
}

export const finishing = new Finishing();
if (typeof addEventListener === "function") addEventListener("pagehide", () => void finishing.flush());
