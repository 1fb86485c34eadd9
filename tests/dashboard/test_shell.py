"""Shell around every view: navigation (a drawer on narrow screens), account menu, unknown pages; the stages view."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from db.people.api_keys import JOURNEYS_READ
from tests.dashboard.conftest import NARROW, Visit
from tests.support.dashboard_controls import wait_for, wait_for_heading

NAV_ITEMS = {
    "Appointments": "/appointments",
    "Customers": "/customers",
    "Problems": "/action-problems",
    "Analytics": "/analytics",
    "Stages": "/stages",
    "Action centre": "/action-centre",
}


def brightness(page: Page) -> float:
    """Return the brightness of the page's background, 0 (black) to 255."""
    colour: str = page.evaluate("getComputedStyle(document.querySelector('.dashboard')).backgroundColor")
    red, green, blue = map(float, re.findall(r"[\d.]+", colour)[:3])
    return (red + green + blue) / 3


def test_the_menu_leads_to_every_view(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    menu = page.get_by_role("navigation", name="Main")
    for name, path in NAV_ITEMS.items():
        menu.get_by_role("link", name=name).click()
        expect(page).to_have_url(visit.stack.url + path)
        wait_for_heading(page, name)
        expect(page.get_by_role("heading", level=1)).to_be_focused()  # so that screen readers announce the view
        expect(page).to_have_title(f"{name} · Perdure")
        expect(menu.locator("[aria-current=page]")).to_have_text(re.compile(f"^{name}"))
    page.go_back()
    wait_for_heading(page, "Stages")


def test_skip_link(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    skip = page.get_by_role("link", name="Skip to content")
    skip.focus()
    skip.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_menu_is_a_drawer_in_a_narrow_window(make_visit: Callable[..., Visit]) -> None:
    visit = make_visit(viewport=NARROW)
    page = visit.page
    visit.sign_in()
    menu, drawer = page.get_by_role("button", name="Menu"), page.get_by_role("dialog")
    expect(drawer).to_have_count(0)
    closings: list[Callable[[], None]] = [
        lambda: page.keyboard.press("Escape"),
        drawer.get_by_role("button", name="Close").click,
        lambda: page.mouse.click(NARROW["width"] - 10, NARROW["height"] / 2),  # outside the drawer
    ]
    for close in closings:
        menu.click()
        expect(drawer.get_by_role("link")).to_have_count(len(NAV_ITEMS))
        close()
        expect(drawer).to_be_hidden()
        wait_for_heading(page, "Action centre")
    for name, path in list(NAV_ITEMS.items())[:2]:
        menu.click()
        drawer.get_by_role("link", name=name).click()
        expect(page).to_have_url(visit.stack.url + path)
        expect(drawer).to_be_hidden()
        wait_for_heading(page, name)


def test_account_menu_and_sign_out(visit: Visit) -> None:
    page, session = visit.page, f"{visit.stack.url}/v1/session"
    visit.sign_in()
    page.get_by_role("button", name="Account: first key").click()
    expect(page.get_by_role("menuitem", name="first key")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_hidden()
    assert page.context.request.get(session).status == 200
    page.get_by_role("button", name="Account: first key").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_label("Access key").wait_for()
    assert page.context.request.get(session).status == 204  # the session has ended on the server too
    visit.open("/customers")
    page.get_by_label("Access key").wait_for()


def test_the_account_menu_of_a_read_only_key(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(visit.stack.create_key(JOURNEYS_READ))
    page.get_by_role("button", name="Account: reader").click()
    expect(page.get_by_role("menuitem", name="reader (read-only)")).to_be_visible()


@pytest.mark.parametrize("path", ["/no-such-page", "/customers/a/b"])
def test_unknown_pages(visit: Visit, path: str) -> None:
    page = visit.page
    visit.sign_in(at=path)
    wait_for_heading(page, "Page not found")
    page.get_by_role("link", name="Go to the action centre").click()
    page.wait_for_url("**/action-centre")
    wait_for_heading(page, "Action centre")


def test_the_theme_follows_the_system(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/stages")
    assert brightness(page) > 200
    page.emulate_media(color_scheme="dark")
    wait_for(lambda: brightness(page) < 60)
    page.emulate_media(color_scheme="light")
    wait_for(lambda: brightness(page) > 200)


def test_connection_status(visit: Visit) -> None:
    """Live with the stream; polling without it."""
    page = visit.page
    visit.sign_in()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_text("Live", exact=True).hover()
    expect(page.get_by_role("tooltip")).to_have_text("Changes appear automatically")
    visit.expected_errors = "ERR_FAILED"
    page.route("**/v1/portal/stream", lambda route: route.abort())
    page.reload()
    page.get_by_text("Every 15 seconds").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Live updates are unavailable")


def test_stages_view(visit: Visit) -> None:
    page = visit.page
    subheading = re.compile("^(Customers move here when|How customers get here|On entry)")
    visit.sign_in(at="/stages")
    for kind, title in {"growth": "Growth stages", "lapse": "Inactivity stages"}.items():
        stages = [stage for stage in visit.stack.request("GET", "/v1/stages")["stages"] if stage["kind"] == kind]
        group = page.get_by_role("region", name=title)
        expect(group.get_by_role("heading", level=3)).to_have_text([stage["stage_name"] for stage in stages])
        expect(group.get_by_text(subheading)).to_have_count(2 * len(stages))
        for stage in stages:
            expect(group).to_contain_text(stage["description"])
