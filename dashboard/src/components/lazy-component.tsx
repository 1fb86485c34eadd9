import { type ComponentType, type ReactNode, useSyncExternalStore } from "react";
import { ChunkLoadError } from "./chunk-load-error";

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

/** A component whose code is loaded on first render, or earlier by `preload`. */
export type LazyComponent<Props> = ComponentType<Props> & { preload(): void };

/**
 * Create a component that renders `fallback` until its code has loaded. Replaces React's `lazy`, because `Suspense`
 * delays content by 300 ms even if its code was preloaded.
 */
export function lazyComponent<Props extends object>(
  load: Load<Props>,
  fallback: ReactNode,
): LazyComponent<Props> {
  let state: ComponentType<Props> | "idle" | "loading" | "failed" = "idle";
  const listeners = new Set<() => void>();

  function update(next: typeof state) {
    state = next;
    for (const listener of listeners) listener();
  }

  function preload() {
    if (state !== "idle") return;
    state = "loading";
    load().then(
      (module) => update(module.default),
      () => update("failed"),
    );
  }

  function subscribe(listener: () => void) {
    listeners.add(listener);
    preload();
    return () => listeners.delete(listener);
  }

  // biome-ignore lint/correctness/noComponentHookFactories: made once for each module, not while rendering
  function Lazy(props: Props) {
    const Loaded = useSyncExternalStore(subscribe, () => state);
    if (Loaded === "failed") return <ChunkLoadError />;
    return typeof Loaded === "string" ? fallback : <Loaded {...props} />;
  }

  return Object.assign(Lazy, { preload });
}
