"""Helpers that operate the dashboard's controls and wait for the results."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic, sleep
from typing import ParamSpec, TypeVar

from playwright.sync_api import Locator, Page, expect

Params = ParamSpec("Params")
Result = TypeVar("Result")
LIMIT = 30.0  # seconds


def wait_for_heading(page: Page, name: str | None = None) -> None:
    """Wait for the view's heading; None accepts any text."""
    heading = page.get_by_role("heading", level=1)
    heading.wait_for()
    if name:
        expect(heading).to_have_text(name)


def wait_for(check: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
    """Call `check` until its result is truthy, and return it. For conditions that Playwright cannot wait for."""
    end = monotonic() + LIMIT
    while not (result := check(*args, **kwargs)):
        assert monotonic() < end, "condition not met in time"
        sleep(0.1)
    return result


def visible_dialog(page: Page, name: str | re.Pattern[str]) -> Locator:
    """Return an open dialog after its animation: clicks on moving elements can miss."""
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    expect(dialog).not_to_have_class(re.compile("-(appear|enter)"))
    return dialog


def select_option(within: Page | Locator, name: str | re.Pattern[str], option: str) -> None:
    """Open a select by its label and click an option."""
    select = within.get_by_role("combobox", name=name)
    select.click()
    page = select.page
    page.locator(".ant-select-dropdown:visible").get_by_title(option, exact=True).click()


def customer_ids_in(listing: Locator) -> list[str]:
    """Return the ids of the customers in a table or list of cards, from top to bottom."""
    links = listing.locator("a[href^='/customers/']")
    paths: list[str] = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return [path.removeprefix("/customers/") for path in paths]
