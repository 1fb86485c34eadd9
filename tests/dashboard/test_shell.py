"""What stands around every view: the menu, on narrow screens in a drawer; the account; addresses that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from db.people.api_keys import JOURNEYS_READ
from tests.dashboard.conftest import NARROW, Visit
from tests.support.controls import heading, until

PLACES = {
    "Customers": "/customers",
    "Analytics": "/analytics",
    "Stages": "/stages",
    "Action centre": "/action-centre",
}


def brightness(page: Page) -> float:
    """Of the page's ground, 0 (black) to 255."""
    colour: str = page.evaluate("getComputedStyle(document.querySelector('.dashboard')).backgroundColor")
    red, green, blue = map(float, re.findall(r"[\d.]+", colour)[:3])
    return (red + green + blue) / 3


def test_the_menu_leads_to_every_view(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    menu = page.get_by_role("navigation", name="Main")
    for name, path in PLACES.items():
        menu.get_by_role("link", name=name).click()
        expect(page).to_have_url(visit.stack.url + path)
        heading(page, name)
        expect(page.get_by_role("heading", level=1)).to_be_focused()  # so that a screen reader says where one is
        expect(page).to_have_title(f"{name} · Perdure")
        expect(menu.locator("[aria-current=page]")).to_have_text(name)
    page.go_back()
    heading(page, "Stages")


def test_content_is_skipped_to(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    skip = page.get_by_role("link", name="Skip to content")
    skip.focus()
    skip.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_menu_of_a_narrow_window_is_a_drawer(visits: Callable[..., Visit]) -> None:
    visit = visits(viewport=NARROW)
    page = visit.page
    visit.sign_in()
    menu, drawer = page.get_by_role("button", name="Menu"), page.get_by_role("dialog")
    expect(drawer).to_have_count(0)
    closings: list[Callable[[], None]] = [
        lambda: page.keyboard.press("Escape"),
        drawer.get_by_role("button", name="Close").click,
        lambda: page.mouse.click(NARROW["width"] - 10, NARROW["height"] / 2),  # beside it
    ]
    for close in closings:
        menu.click()
        expect(drawer.get_by_role("link")).to_have_count(len(PLACES))
        close()
        expect(drawer).to_be_hidden()
        heading(page, "Action centre")
    for name, path in list(PLACES.items())[:2]:
        menu.click()
        drawer.get_by_role("link", name=name).click()
        expect(page).to_have_url(visit.stack.url + path)
        expect(drawer).to_be_hidden()
        heading(page, name)


def test_the_account_and_the_way_out(visit: Visit) -> None:
    page, session = visit.page, f"{visit.stack.url}/v1/session"
    visit.sign_in()
    page.get_by_role("button", name="Account: first key").click()
    expect(page.get_by_role("menuitem", name="first key")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_hidden()
    assert page.context.request.get(session).status == 200
    page.get_by_role("button", name="Account: first key").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_label("API key").wait_for()
    assert page.context.request.get(session).status == 204  # for the gateway too
    visit.open("/customers")
    page.get_by_label("API key").wait_for()


def test_a_readers_account_says_so(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(visit.stack.another_key(JOURNEYS_READ))
    page.get_by_role("button", name="Account: reader").click()
    expect(page.get_by_role("menuitem", name="reader (Read only)")).to_be_visible()


@pytest.mark.parametrize("path", ["/no-such-page", "/customers/a/b"])
def test_an_address_that_leads_nowhere(visit: Visit, path: str) -> None:
    page = visit.page
    visit.sign_in(at=path)
    heading(page, "There is no such page")
    page.get_by_role("link", name="To the action centre").click()
    page.wait_for_url("**/action-centre")
    heading(page, "Action centre")


def test_the_page_follows_the_system_into_the_dark_and_back(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/stages")
    assert brightness(page) > 200
    page.emulate_media(color_scheme="dark")
    until(lambda: brightness(page) < 60)
    page.emulate_media(color_scheme="light")
    until(lambda: brightness(page) > 200)


def test_how_fresh_the_page_is(visit: Visit) -> None:
    """By the stream; where it cannot be reached, by asking in intervals."""
    page = visit.page
    visit.sign_in()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_text("Live", exact=True).hover()
    expect(page.get_by_role("tooltip")).to_have_text("Changes appear by themselves")
    visit.expected = "ERR_FAILED"
    page.route("**/v1/portal/stream", lambda route: route.abort())
    page.reload()
    page.get_by_text("Every 15 seconds").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("The live stream cannot be reached")


def test_stages_in_words(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/stages")
    for kind, title in {"growth": "Growth: reached by doing", "lapse": "Lapse: reached by not doing"}.items():
        stages = [stage for stage in visit.stack.ask("GET", "/v1/stages")["stages"] if stage["kind"] == kind]
        group = page.get_by_role("region", name=title)
        expect(group.get_by_role("heading", level=3)).to_have_text([stage["stage_name"] for stage in stages])
        for stage in stages:
            expect(group).to_contain_text(stage["description"])
            expect(group.get_by_text(re.compile("^(Customers come here when|On entering)"))).to_have_count(
                2 * len(stages)
            )
