"""How a person uses the dashboard's controls, and how long a test waits for what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic, sleep
from typing import ParamSpec, TypeVar

from playwright.sync_api import Locator, Page, expect

Given = ParamSpec("Given")
Found = TypeVar("Found")
LIMIT = 20.0  # seconds


def heading(page: Page, name: str | None = None) -> None:
    """Wait for the view's title; of a customer's (None) for any."""
    found = page.get_by_role("heading", level=1)
    found.wait_for()
    if name:
        expect(found).to_have_text(name)


def until(look: Callable[Given, Found], *given: Given.args, **named: Given.kwargs) -> Found:
    """What `look` finds as soon as it is something: for what the system says, where no page can be waited for."""
    end = monotonic() + LIMIT
    while not (found := look(*given, **named)):
        assert monotonic() < end, "nothing came"
        sleep(0.1)
    return found


def dialog(page: Page, name: str | re.Pattern[str]) -> Locator:
    """A dialog that is open and has come to rest: what moves is easily missed."""
    found = page.get_by_role("dialog", name=name)
    expect(found).to_be_visible()
    expect(found).not_to_have_class(re.compile("-(appear|enter)"))
    return found


def choose(within: Page | Locator, name: str | re.Pattern[str], option: str) -> None:
    """Open the select that is called so, and click one of its options."""
    select = within.get_by_role("combobox", name=name)
    select.click()
    page = select.page
    page.locator(".ant-select-dropdown:visible").get_by_title(option, exact=True).click()


def names_in(listing: Locator) -> list[str]:
    """The customers of a table or of cards, from top to bottom, by the ids in their links."""
    links = listing.locator("a[href^='/customers/']")
    paths: list[str] = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return [path.removeprefix("/customers/") for path in paths]
