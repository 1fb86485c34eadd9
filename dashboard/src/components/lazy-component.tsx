import { type ComponentType, type ReactNode, useSyncExternalStore } from "react";
import { ChunkLoadError } from "./chunk-load-error";

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

/** A component whose code is fetched when it is first shown, or ahead of that. */
export type LazyComponent<Props> = ComponentType<Props> & { preload(): void };

/**
 * `fallback` stands in its place while its code comes. (React's `lazy` would do but for its `Suspense`, which holds back
 * for 300 ms what is there already.)
 */
export function lazyComponent<Props extends object>(
  load: Load<Props>,
  fallback: ReactNode,
): LazyComponent<Props> {
  let state: ComponentType<Props> | "not asked for" | "coming" | "missing" = "not asked for";
  const listeners = new Set<() => void>();

  function update(next: typeof state) {
    state = next;
    for (const listener of listeners) listener();
  }

  function preload() {
    if (state !== "not asked for") return;
    state = "coming";
    load().then(
      (module) => update(module.default),
      () => update("missing"),
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
    if (Loaded === "missing") return <ChunkLoadError />;
    return typeof Loaded === "string" ? fallback : <Loaded {...props} />;
  }

  return Object.assign(Lazy, { preload });
}
