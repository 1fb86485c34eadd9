import { useContext, useEffect, useRef } from "react";
import { UNSAFE_NavigationContext as NavigationContext } from "react-router";

/**
 * Ask before the view is left: by a link, by the browser's Back button, and (the browser asks) by closing the tab.
 * react-router's own blocker needs its data router, which would make the first view larger.
 *
 * @param ask called with a function that leaves
 */
export function useLeaveGuard(isActive: boolean, ask: (leave: () => void) => void): void {
  const { navigator } = useContext(NavigationContext);
  const latestAsk = useRef(ask);
  latestAsk.current = ask;

  useEffect(() => {
    if (!isActive) return;
    const push = navigator.push;
    navigator.push = (...target) => latestAsk.current(() => push.apply(navigator, target));
    return () => {
      navigator.push = push;
    };
  }, [isActive, navigator]);

  useEffect(() => {
    if (!isActive) return;
    const position: number = history.state?.idx ?? 0;
    let ignored = 0;
    // Before the router's own listener, which would render the other view.
    function onPop(event: PopStateEvent) {
      const steps = (event.state?.idx ?? 0) - position;
      if (ignored > 0) {
        ignored -= 1;
        if (steps === 0) event.stopImmediatePropagation();
        return;
      }
      event.stopImmediatePropagation();
      ignored = 1;
      history.go(-steps);
      latestAsk.current(() => {
        ignored = 1;
        history.go(steps);
      });
    }
    function onUnload(event: BeforeUnloadEvent) {
      event.preventDefault();
    }
    window.addEventListener("popstate", onPop, { capture: true });
    window.addEventListener("beforeunload", onUnload);
    return () => {
      window.removeEventListener("popstate", onPop, { capture: true });
      window.removeEventListener("beforeunload", onUnload);
    };
  }, [isActive]);
}
