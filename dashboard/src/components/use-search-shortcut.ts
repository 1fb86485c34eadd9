import { useEffect } from "react";

const SEARCH_FIELD = "main search .search-input input, main search input.search-input";

/** Focus the search of the current view on "/" (outside text fields) and on Ctrl-K or Cmd-K. */
export function useSearchShortcut(): void {
  useEffect(() => {
    function handleKey(event: KeyboardEvent) {
      if (event.defaultPrevented || !isShortcut(event)) return;
      const field = document.querySelector<HTMLInputElement>(SEARCH_FIELD);
      // Behind an open dialog, the page must not take the focus.
      if (field === null || document.querySelector("[role=dialog][aria-modal=true]") !== null) return;
      event.preventDefault();
      field.focus();
      field.select();
    }
    addEventListener("keydown", handleKey);
    return () => removeEventListener("keydown", handleKey);
  }, []);
}

function isShortcut(event: KeyboardEvent): boolean {
  if (event.altKey) return false;
  if (event.key.toLowerCase() === "k") return event.ctrlKey !== event.metaKey;
  return event.key === "/" && !event.ctrlKey && !event.metaKey && !isTextField(event.target);
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, [contenteditable=true]") !== null;
}
