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
  let piece: ComponentType<Props> | "not asked for" | "coming" | "missing" = "not asked for";
  const waiting = new Set<() => void>();

  function arrived(what: typeof piece) {
    piece = what;
    for (const tell of waiting) tell();
  }

  function preload() {
    if (piece !== "not asked for") return;
    piece = "coming";
    load().then(
      (module) => arrived(module.default),
      () => arrived("missing"),
    );
  }

  function subscribe(tell: () => void) {
    waiting.add(tell);
    preload();
    return () => waiting.delete(tell);
  }

  // biome-ignore lint/correctness/noComponentHookFactories: made once for each module, not while rendering
  function Lazy(props: Props) {
    const Piece = useSyncExternalStore(subscribe, () => piece);
    if (Piece === "missing") return <ChunkLoadError />;
    return typeof Piece === "string" ? fallback : <Piece {...props} />;
  }

  return Object.assign(Lazy, { preload });
}
