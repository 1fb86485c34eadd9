"""Every view of the dashboard: what it shows, what its buttons do, who may do it, and that everybody can use it."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.sync_api import Page, expect

from db.keys import JOURNEYS_READ
from tests.dashboard.conftest import NARROW, WIDE, Stack, Visit

VIEWS = {
    "/action-centre": "Action centre",
    "/customers": "Customers",
    "/analytics": "Analytics",
    "/stages": "Stages",
    "/customers/salon-0001": None,  # the customer's own name
}
SETTLED = 1500  # milliseconds after which charts and tables have been drawn


def heading(page: Page, name: str | None) -> None:
    found = page.get_by_role("heading", level=1)
    found.wait_for()
    if name:
        expect(found).to_have_text(name)


def without_violations(page: Page) -> None:
    page.wait_for_timeout(SETTLED)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_signing_in_by_the_links_of_the_banner_and_out(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.stack.link)
    page.wait_for_url("**/action-centre")
    heading(page, "Action centre")
    assert "token" not in page.url
    expect(page.get_by_text("Salon Lindenhof (invented)")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_text("Sign out").click()
    page.get_by_label("API key").wait_for()
    visit.open("/customers")
    page.get_by_label("API key").wait_for()  # it is over
    visit.expected = "401"  # the browser's own word about the answer to a link that was used
    page.goto("about:blank")
    page.goto(visit.stack.link)
    expect(page.get_by_text("has been used or has expired")).to_be_visible()


def test_signing_in_by_a_key_leads_where_one_wanted_to_go(visit: Visit) -> None:
    page = visit.page
    visit.open("/customers/salon-0003")
    visit.expected = "401"
    page.get_by_label("API key").fill("pk_nobodys")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This key is not valid")).to_be_visible()
    page.get_by_label("API key").fill(visit.stack.key)
    page.get_by_label("API key").press("Enter")
    page.wait_for_url("**/customers/salon-0003")
    heading(page, None)


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {"viewport": NARROW}], ids=["wide", "dark", "narrow"]
)
def test_every_view_can_be_used_by_everybody(visits: Callable[..., Visit], options: dict[str, object]) -> None:
    visit = visits(**options)
    visit.open("/sign-in")
    visit.page.get_by_label("API key").wait_for()
    without_violations(visit.page)
    visit.sign_in()
    for path, name in VIEWS.items():
        visit.open(path)
        heading(visit.page, name)
        without_violations(visit.page)
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= int(visit.page.viewport_size["width"] if visit.page.viewport_size else WIDE["width"]), path


def test_a_reader_sees_no_buttons_that_act(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(visit.stack.another_key(JOURNEYS_READ))
    page.get_by_role("table").first.wait_for()
    acting = re.compile(r"^(Call|E-mail|Offer|Done)\b")
    assert page.get_by_role("button", name=acting).count() == 0
    visit.open("/customers/salon-0001")
    heading(page, None)
    page.get_by_text("Timeline").first.wait_for()
    assert (
        page.get_by_role("button", name=re.compile(r"^(Call|E-mail|Offer|Change stage|Hold|Edit notes)\b")).count() == 0
    )


def test_an_at_risk_customer_is_called(visit: Visit) -> None:
    """From the action centre: the button makes a task, which is done with one click beside it."""
    page, stack = visit.page, visit.stack
    visit.sign_in()
    button = page.get_by_role("button", name=re.compile(r"^Call: ")).first
    button.wait_for()
    name = (button.get_attribute("aria-label") or "").removeprefix("Call: ")
    (found,) = stack.ask("GET", "/v1/portal/relationships", params={"search": name, "limit": 1})["relationships"]
    customer = found["customer_id"]

    def tasks(status: str) -> set[int]:
        found = stack.ask("GET", "/v1/portal/tasks", params={"customer_id": customer, "status": status})
        return {task["id"] for task in found["tasks"]}

    before = tasks("all")
    button.click()
    expect(page.get_by_text(f"A task to call {name}")).to_be_visible()
    made = until(page, lambda: tasks("open") - before)
    (task,) = made
    visit.open(f"/customers/{customer}")
    (title,) = {
        row["title"]
        for row in stack.ask("GET", "/v1/portal/tasks", params={"customer_id": customer})["tasks"]
        if row["id"] == task
    }
    page.get_by_role("button", name=f"Done: {title}").first.click()
    assert until(page, lambda: tasks("done") - before) == {task}


def until(page: Page, look: Callable[[], set[int]], seconds: float = 20) -> set[int]:
    """What `look` finds as soon as it is something."""
    for _ in range(int(seconds * 5)):
        if found := look():
            return found
        page.wait_for_timeout(200)
    raise AssertionError("nothing came")


def test_notes_and_a_change_by_hand(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in()
    visit.open("/customers/salon-0009")
    text = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    page.get_by_role("button", name=re.compile("(Add|Edit) notes")).click()
    page.get_by_role("textbox").last.fill(text)
    page.get_by_role("button", name="Save notes").click()
    expect(page.get_by_text(text)).to_be_visible()
    assert stack.ask("GET", "/v1/portal/customers/salon-0009/journey")["journey"]["notes"] == text
    assert page.title() != "pwned"


def test_names_are_text_everywhere(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    name = "<img src=x onerror=document.title='pwned'>"
    profile = {"name": name, "email": "x@example.com"}
    stack.ask("PUT", "/v1/customers/salon-0011", json=profile)
    visit.sign_in()
    visit.open("/customers?find=salon-0011")
    page.get_by_text(name).first.wait_for()
    visit.open("/customers/salon-0011")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    page.wait_for_timeout(300)
    assert page.title() != "pwned"
    assert page.locator("img[src=x]").count() == 0


def test_the_flow_of_stages_shows_loops(visit: Visit) -> None:
    page = visit.page
    found = visit.stack.ask("GET", "/v1/portal/analytics/sankey?period=all")
    stages: dict[str, set[str]] = {link["source"].partition(":")[2]: set() for link in found["links"]}
    for link in found["links"]:
        stages[link["source"].partition(":")[2]].add(link["target"].partition(":")[2])
    assert "at_risk" in stages["regular"]
    assert "regular" in stages["at_risk"], "a loop"
    visit.sign_in()
    visit.open("/analytics")
    page.get_by_text("All", exact=True).click()
    card = page.get_by_role("region", name="Movements between stages")
    card.locator("canvas").first.wait_for()
    card.get_by_role("switch").click()
    expect(card.get_by_role("row", name=re.compile("At Risk.*Regular")).first).to_be_visible()
    expect(card.get_by_role("row", name=re.compile("Regular.*At Risk")).first).to_be_visible()


def test_the_first_view_is_small_and_its_files_are_kept(visit: Visit, stack: Stack) -> None:
    """At most 350 kB compressed before charts; nothing is loaded from elsewhere."""
    sizes: dict[str, int] = {}
    page = visit.page
    page.on("response", lambda answer: sizes.update({answer.url: int(answer.headers.get("content-length", 0))}))
    visit.sign_in()
    page.get_by_role("table").first.wait_for()
    assets = {url: size for url, size in sizes.items() if "/assets/" in url}
    assert all(url.startswith(stack.url) for url in sizes)
    assert 50_000 < sum(assets.values()) <= 350_000, assets
    policy = httpx2.get(stack.url, headers={"Accept": "text/html"}).headers["content-security-policy"]
    assert "script-src 'self';" in policy


def test_everything_works_by_keyboard(visit: Visit) -> None:
    page = visit.page
    visit.open("/sign-in")
    page.get_by_label("API key").wait_for()
    page.keyboard.type(visit.stack.key)  # the field has the focus
    page.keyboard.press("Enter")
    page.wait_for_url("**/action-centre")
    page.get_by_role("table").first.wait_for()
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, "Customers")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers")
    visit.open("/customers")  # the focus is at the beginning again
    page.get_by_role("table").first.wait_for()
    tab_to(page, "Account: first key")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Sign out").wait_for()
    page.keyboard.press("Escape")


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """Press Tab until what is called so has the focus."""
    named = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
    for _ in range(most):
        if page.evaluate(named) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab")
