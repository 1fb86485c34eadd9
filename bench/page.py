"""Loading time of the analytics page. Floor: its slowest API call during the same load.

    .venv/bin/python -m bench.page --key pk_... [--url http://127.0.0.1:8000] [--runs 5]

Needs a running `./run up --demo` and Chromium (1440 x 900). The page is loaded when the figures are shown and every
visible chart is drawn: its canvas had no drawing calls for two frames. API calls are timed by the browser. The results
are medians: `cold` with an empty browser cache, `cached` with a filled one, `first` coming from another view, `again`
coming back a second time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright
from rich import box
from rich.console import Console
from rich.table import Table

SETTLED = 2_000  # milliseconds after which all drawing has ended
WATCH = """
const drawings = (window.drawings = new Map());
window.began = 0;
window.figures = null;
addEventListener("click", ({ timeStamp }) => {
  drawings.clear();
  window.began = timeStamp;
  window.figures = null;
}, { capture: true });
for (const name of ["fill", "stroke", "fillText", "drawImage"]) {
  const draw = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...parameters) {
    const seen = drawings.get(this.canvas) ?? { at: 0, hasText: false, quiet: 0 };
    drawings.set(this.canvas, seen);
    const hasText = seen.hasText || name === "fillText";
    if (seen.quiet < 2) Object.assign(seen, { at: performance.now(), hasText, quiet: 0 });
    return draw.apply(this, parameters);
  };
}
// A drawing has ended after two frames without a drawing call.
const frame = () => {
  for (const seen of drawings.values()) if (seen.hasText) seen.quiet += 1;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
new MutationObserver(() => {
  if (window.figures === null && document.querySelector(".statistics")) window.figures = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
SEEN = """() => {
  const shown = [...drawings].filter(([canvas, { hasText }]) => canvas.isConnected && hasText);
  const inSight = shown.filter(([canvas]) => canvas.getBoundingClientRect().top < innerHeight);
  const last = (found) => Math.max(figures, ...found.map(([, { at }]) => at)) - began;
  const calls = performance.getEntriesByType("resource")
    .filter(({ name, startTime }) => name.includes("/v1/") && !name.includes("/stream") && startTime >= began);
  return {
    figures: figures - began, in_sight: last(inSight), all: last(shown),
    slowest: Math.max(...calls.map(({ duration }) => duration)),
  };
}"""


@dataclass(frozen=True)
class Opening:
    """Milliseconds from the click (or the navigation's start)."""

    figures: float
    in_sight: float
    all: float
    slowest: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", default="http://127.0.0.1:8000")
    options.add_argument("--key", required=True, help="API key of the company")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    found: dict[str, list[Opening]] = {}
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=chromium, args=arguments)) as browser,
    ):
        session = sign_in(browser, given.url, given.key)
        for _ in range(given.runs):
            for name, opening in openings(browser, given.url, session):
                found.setdefault(name, []).append(opening)
    table = Table(
        "opened",
        "figures, ms",
        "in sight",
        "all charts",
        "slowest call",
        "in sight/call",
        box=box.SIMPLE_HEAD,
    )
    for name, several in found.items():
        figures, in_sight, everything, slowest = (
            statistics.median(getattr(one, field) for one in several)
            for field in ("figures", "in_sight", "all", "slowest")
        )
        ratio = statistics.median(one.in_sight / one.slowest for one in several)
        table.add_row(name, *(f"{ms:,.0f}" for ms in (figures, in_sight, everything, slowest)), f"{ratio:.1f}")
    Console().print(table)


def sign_in(browser: Browser, url: str, key: str) -> StorageState:
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{url}/sign-in")
        page.get_by_label("Access key").fill(key)
        page.get_by_label("Access key").press("Enter")
        page.wait_for_url("**/action-centre")
        return context.storage_state()


def openings(browser: Browser, url: str, session: StorageState) -> Iterator[tuple[str, Opening]]:
    with closing(watched(browser, session)) as context:
        page = context.new_page()
        page.goto(f"{url}/analytics")
        yield "cold", settled(page)
        page.goto("about:blank")
        page.goto(f"{url}/analytics")
        yield "cached", settled(page)
    with closing(watched(browser, session)) as context:
        page = context.new_page()
        page.goto(f"{url}/customers")
        page.get_by_role("table").first.wait_for()
        page.wait_for_timeout(2 * SETTLED)
        for name in ("first", "again"):
            page.get_by_role("link", name="Analytics").click()
            yield name, settled(page)
            page.get_by_role("link", name="Customers").click()
            page.wait_for_timeout(SETTLED)


def watched(browser: Browser, session: StorageState) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", storage_state=session)
    context.add_init_script(WATCH)
    return context


def settled(page: Page) -> Opening:
    page.locator(".statistics").wait_for()
    page.wait_for_timeout(SETTLED)
    return Opening(**page.evaluate(SEEN))


if __name__ == "__main__":
    main()
