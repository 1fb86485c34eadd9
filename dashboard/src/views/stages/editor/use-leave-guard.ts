import { useContext, useEffect, useRef } from "react";
import { UNSAFE_NavigationContext as NavigationContext } from "react-router";

/**
 * Ask before the view is left: by a link, and (the browser asks) by closing the tab. Not by Back.
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
    function onUnload(event: BeforeUnloadEvent) {
      event.preventDefault();
    }
    window.addEventListener("beforeunload", onUnload);
    return () => {
      window.removeEventListener("beforeunload", onUnload);
    };
  }, [isActive]);
}
