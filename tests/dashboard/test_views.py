"""All views: accessibility, permissions, locale, size and keyboard use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.sync_api import Page, expect

from db.people.api_keys import JOURNEYS_READ
from tests.dashboard.conftest import NARROW, WIDE, Stack, Visit
from tests.support.dashboard_controls import wait_for_heading

VIEWS = {
    "/sign-in": "Sign in",
    "/action-centre": "Action centre",
    "/appointments": "Appointments",
    "/customers": "Customers",
    "/analytics": "Analytics",
    "/stages": "Stages",
    "/customers/salon-0001": None,  # the customer's own name
}
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
#: nothing is loading, and no finite animation is running
SETTLED = """() => !document.querySelector("[aria-label='Loading…'], [aria-busy=true]")
    && document.getAnimations().every(({ effect }) => effect.getComputedTiming().endTime === Infinity)"""
SCROLLED_SIDEWAYS = """[...document.querySelectorAll("main *")].filter(one => one.scrollWidth > one.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map(one => one.className)"""
ACTION_BUTTONS = re.compile(
    r"^(Done: |(Call|Log a contact|Remove contact|Allow contact|E-mail|Offer|Move|Comment|Reopen|Change stage|Hold"
    r"|Release hold|Add notes|Edit notes|Try again)\b)"
)


def assert_no_violations(page: Page) -> None:
    page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )  # animations that start now
    page.wait_for_function(SETTLED)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", VIEWS)
def test_every_view_is_accessible(visit: Visit, path: str) -> None:
    """In light and dark mode, and on a phone."""
    page = visit.page
    if path == "/sign-in":
        visit.open(path)
    else:
        visit.sign_in(at=path)
    wait_for_heading(page, VIEWS[path])
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        for scheme in SCHEMES if viewport == WIDE else SCHEMES[:1]:
            page.emulate_media(color_scheme=scheme)
            assert_no_violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_read_only_users_see_no_action_buttons(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(visit.stack.create_key(JOURNEYS_READ))
    tasks = page.get_by_role("region", name="Tasks")
    expect(tasks.get_by_role("listitem").first).to_be_visible()
    page.get_by_role("table").first.wait_for()
    main = page.get_by_role("main")
    assert main.get_by_role("button", name=ACTION_BUTTONS).count() == 0
    assert main.get_by_role("checkbox", name=re.compile("^Select ")).count() == 0
    assert tasks.get_by_role("combobox").count() == 0
    visit.open("/customers/salon-0001")
    main.locator(".entry").first.wait_for()
    assert main.get_by_role("button", name=ACTION_BUTTONS).count() == 0
    assert main.get_by_role("combobox").count() == 0


def test_names_are_never_interpreted_as_html(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    name = "<img src=x onerror=document.title='pwned'>"
    profile = {"name": name, "email": "x@example.com"}
    stack.request("PUT", "/v1/customers/salon-0011", json=profile)
    visit.sign_in()
    visit.open("/customers?find=salon-0011")
    page.get_by_text(name).first.wait_for()
    visit.open("/customers/salon-0011")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    page.wait_for_timeout(300)
    assert page.title() != "pwned"
    assert page.locator("img[src=x]").count() == 0


def test_numbers_and_dates_follow_the_locale(make_visit: Callable[..., Visit]) -> None:
    page = (visit := make_visit(locale="de-DE")).page
    visit.sign_in(at="/analytics?as_of=2026-01-31T12:00:00Z")
    expect(page.get_by_role("region", name="Key figures")).to_contain_text(re.compile(r"\d,\d\d\s€"))
    expect(page.get_by_text(re.compile(r"As of 31\.01\.2026, \d\d:\d\d$"))).to_be_visible()
    visit.open("/customers")
    expect(page.get_by_role("table").first).to_contain_text(re.compile(r"\d,\d\d\s€"))


def test_the_first_view_is_small(visit: Visit, stack: Stack) -> None:
    """At most 350 kB without charts, even with gzip, the best encoding over plain HTTP; nothing from third parties."""
    urls: list[str] = []
    page = visit.page
    page.on("response", lambda response: urls.append(response.url))
    visit.sign_in()
    page.get_by_role("table").first.wait_for()
    assert all(url.startswith(stack.url) for url in urls)
    assets = {url for url in urls if "/assets/" in url}
    for encoding in ("gzip", "br"):
        sizes = {
            url: int(httpx2.head(url, headers={"Accept-Encoding": encoding}).headers["content-length"])
            for url in assets
        }
        assert 50_000 < sum(sizes.values()) <= 350_000, sizes
    policy = httpx2.get(stack.url, headers={"Accept": "text/html"}).headers["content-security-policy"]
    assert "script-src 'self';" in policy


def test_keyboard_navigation(visit: Visit) -> None:
    page = visit.page
    visit.open("/sign-in")
    page.get_by_label("Access key").wait_for()
    page.keyboard.type(visit.stack.key)  # the field has focus
    page.keyboard.press("Enter")
    page.wait_for_url("**/action-centre")
    page.get_by_role("table").first.wait_for()
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, "Customers")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers")
    visit.open("/customers")  # reset the focus
    page.get_by_role("table").first.wait_for()
    tab_to(page, "Account: first key")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Sign out").wait_for()
    page.keyboard.press("Escape")


def tab_to(page: Page, name: str, limit: int = 60) -> None:
    """Press Tab until the control with this name has focus."""
    focused_name = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
    for _ in range(limit):
        if page.evaluate(focused_name) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with Tab")


@pytest.mark.parametrize("width", [1280, 1366, 1440, 1536])
def test_nothing_is_cut_off_with_classic_scrollbars(make_visit: Callable[..., Visit], width: int) -> None:
    visit = make_visit(viewport={"width": width, "height": 800})
    page = visit.page
    for path in list(VIEWS)[1:]:
        visit.sign_in(at=path)
        page.add_style_tag(content="html { padding-right: 15px }")  # as wide as a classic scrollbar
        page.wait_for_function(SETTLED)
        if path == "/action-centre":
            page.get_by_role("table").first.wait_for()
            tasks, listing = page.locator(".tasks-card").bounding_box(), page.locator(".data-list").bounding_box()
            assert tasks is not None
            assert listing is not None
            assert tasks["y"] < listing["y"] < 800, "the list starts on the first screen"
        if path == "/analytics":
            page.wait_for_timeout(1_000)  # charts follow the width with a delay
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SCROLLED_SIDEWAYS) == []


@pytest.mark.parametrize("key", ["/", "Control+k", "Meta+k"])
@pytest.mark.parametrize("path", ["/customers", "/action-centre?list=risk"])
def test_keys_focus_the_search(visit: Visit, path: str, key: str) -> None:
    page = visit.page
    visit.sign_in(at=path)
    field = page.get_by_role("search").get_by_role("textbox")
    expect(field).to_be_visible()
    page.keyboard.press(key)
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    page.keyboard.type("a/b")  # in a text field, it is a character
    expect(field).to_have_value("a/b")


@pytest.mark.parametrize("options", [{"viewport": NARROW}, {"viewport": WIDE, "has_touch": True, "is_mobile": True}])
@pytest.mark.parametrize("path", ["/action-centre", "/customers/salon-0001"])
def test_buttons_are_large_enough_for_fingers(make_visit: Callable[..., Visit], path: str, options: object) -> None:
    assert isinstance(options, dict)
    visit = make_visit(**options)
    visit.sign_in(at=path)
    buttons = visit.page.get_by_role("main").locator("button.ant-btn:visible")
    buttons.first.wait_for()
    visit.page.wait_for_function(SETTLED)
    sizes = buttons.evaluate_all("all => all.map(one => [one.textContent, one.offsetHeight])")
    assert len(sizes) > 3
    assert [one for one in sizes if one[1] < 40] == []
