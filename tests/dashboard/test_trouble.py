"""What cannot be loaded, comes late, or breaks: it is said, and there is a way on."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.dashboard.conftest import Visit
from tests.support.controls import choose, dialog, heading, until
from tests.support.people import actions, journey, somebody, tasks

FAILED = "This could not be loaded"
#: of each view the places that say what they could not have: what they ask for, and what is there when they have it
ASKED: list[tuple[str, dict[str, tuple[str, str]]]] = [
    ("/customers", {"main": ("**/v1/portal/relationships?*", "customers")}),
    ("/stages", {"main": ("**/v1/stages", "Prospect")}),
    ("/customers/salon-0001", {"main": ("**/v1/portal/customers/salon-0001/journey?*", "Timeline")}),
    (
        "/customers/salon-0001",
        {
            "Timeline": ("**/v1/portal/customers/salon-0001/timeline?*", "Appointment"),
            "Tasks": ("**/v1/portal/tasks?*", r"Done|No open tasks"),
            "Scores": ("**/v1/customers/salon-0001/explain", "Because"),
        },
    ),
    ("/analytics", {"main": ("**/v1/portal/analytics/customer-journey?*", "Conversion funnel")}),
    (
        "/analytics",
        {
            "Movements between stages": ("**/v1/portal/analytics/sankey?*", "Show as table"),
            "Stages over time": ("**/v1/portal/analytics/stage-metrics?*", "Show as table"),
        },
    ),
]
LATE = {
    "/action-centre": "**/churn-predictions?*",
    "/customers": "**/v1/portal/relationships?*",
    "/customers/salon-0001": "**/salon-0001/timeline?*",
    "/analytics": "**/v1/portal/analytics/*",
    "/stages": "**/v1/stages",
}


def refuse(route: Route, detail: str = "Not on this day") -> None:
    """With what is not tried again by itself."""
    route.fulfill(status=403, json={"title": "Forbidden", "detail": detail})


def test_the_gateway_fails_for_a_while(visit: Visit) -> None:
    """Each part says so for itself, after it has been tried again, and comes back by its own button."""
    page = visit.page
    visit.expected = "500"
    parts = {"Customers at risk": "**/churn-predictions?*", "Open tasks": "**/v1/portal/tasks?*"}
    for path in parts.values():
        page.route(path, lambda route: route.fulfill(status=500, json={"title": "Broken"}))
    visit.sign_in()
    for name, path in parts.items():
        part = page.get_by_role("region", name=name)
        expect(part.get_by_role("alert")).to_contain_text(FAILED, timeout=10_000)
        expect(part.get_by_role("alert")).to_contain_text("Broken")
        page.unroute(path)
        part.get_by_role("button", name="Try again").click()
        expect(part.get_by_role("link").first).to_be_visible()
        expect(part.get_by_role("alert")).to_have_count(0)


def test_what_failed_is_tried_again(visit: Visit) -> None:
    page = visit.page
    visit.expected = "403"
    visit.sign_in(at="/stages")
    for view, places in ASKED:
        for asked, _ in places.values():
            page.route(asked, lambda route: refuse(route))
        visit.open(view)
        if "Scores" in places:  # asked for by whoever wants to know
            page.get_by_role("button", name="Why? Risk").click()
        for place, (asked, there) in places.items():
            part = page.get_by_role("main") if place == "main" else page.get_by_role("region", name=place, exact=True)
            alert = part.get_by_role("alert").filter(has_text=FAILED)
            expect(alert).to_contain_text("Not on this day")
            page.unroute(asked)
            alert.get_by_role("button", name="Try again").click()
            expect(part).to_contain_text(re.compile(there))
            expect(alert).to_have_count(0)


def test_what_is_shown_stays_when_it_cannot_be_asked_for_again(visit: Visit) -> None:
    """The timeline says that it may be old, and another try really asks."""
    page, stack = visit.page, visit.stack
    visit.expected = "403"
    customer = "salon-0003"
    visit.sign_in(at=f"/customers/{customer}")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.locator(".entry").first).to_be_visible()
    before = timeline.locator(".entry").count()
    page.route("**/timeline?*", lambda route: refuse(route))
    stack.happens(customer, "feedback.received", rating=4, comment="seen only later")
    expect(timeline.get_by_role("alert")).to_contain_text("Not on this day")
    expect(timeline.locator(".entry")).to_have_count(before)
    page.unroute_all()
    timeline.get_by_role("button", name="Try again").click()
    expect(timeline).to_contain_text("seen only later")
    expect(timeline.get_by_role("alert")).to_have_count(0)


def test_what_comes_late_has_its_place_meanwhile(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/no-such-page")
    for view, asked in LATE.items():
        late: list[Route] = []
        page.route(asked, lambda route, *, late=late: late.append(route))
        visit.open(view)
        expect(page.get_by_role("main").get_by_role("status", name="Loading…").first).to_be_visible()
        page.route(asked, lambda route: route.continue_())  # what comes from now on
        for route in late:
            route.continue_()
        expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_piece_of_the_page_that_did_not_come_is_fetched_again(visit: Visit) -> None:
    """The browser keeps a module's failure for as long as the page lives: the page is loaded again, by itself once."""
    page = visit.page
    visit.expected = "ERR_FAILED"
    menu = page.get_by_role("navigation", name="Main")
    visit.sign_in()
    page.route("**/assets/stages-*.js", lambda route: route.abort(), times=1)
    menu.get_by_role("link", name="Stages").click()
    heading(page, "Stages")
    files = "**/assets/customers-*.js"
    page.route(files, lambda route: route.abort())
    menu.get_by_role("link", name="Customers").click()
    expect(page.get_by_text("A piece of this page could not be loaded")).to_be_visible()
    expect(menu).to_be_visible()  # the rest of the page stays
    page.unroute(files)
    page.get_by_role("button", name="Reload").click()
    heading(page, "Customers")


def test_a_view_that_breaks_leaves_the_rest_and_can_be_loaded_again(visit: Visit) -> None:
    page = visit.page
    visit.expected = "undefined|null"  # what was thrown
    visit.sign_in()
    page.route("**/v1/stages", lambda route: route.fulfill(json={"stages": [None]}))
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Stages").click()
    expect(page.get_by_text("Something went wrong on this page")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Reload").click()
    heading(page, "Stages")


def test_a_gateway_that_does_not_answer_at_the_start(visit: Visit) -> None:
    page = visit.page
    visit.expected = "ERR_"
    visit.sign_in(at="/stages")
    page.route("**/v1/session", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    heading(page, "Stages")


def test_what_is_refused_is_said(visit: Visit) -> None:
    """Of each button of a journey that asks the gateway for something."""
    page, stack = visit.page, visit.stack
    visit.expected = "403"
    customer = somebody(stack, "Ute Unlucky", email=None)
    held = {"stage": "prospect", "reason": "to be released", "hold": True}
    stack.ask("POST", f"/v1/customers/{customer}/stage", json=held)
    for kind in ("email", "call"):
        stack.ask("POST", f"/v1/customers/{customer}/actions", json={"type": kind})
    (task,) = until(tasks, stack, customer)
    visit.sign_in(at=f"/customers/{customer}")
    page.get_by_role("button", name="Try again: E-mail asked for").wait_for()
    page.route(
        re.compile(r"/v1/.*/(actions|stage|hold|notes|retry|assign)$"),
        lambda route: refuse(route, f"Not now: {route.request.url.rpartition('/')[2]}"),
    )
    page.get_by_role("button", name="Offer: Ute Unlucky").click()
    expect(page.get_by_text("Not now: actions")).to_be_visible()
    page.get_by_role("button", name="Try again: E-mail asked for").click()
    expect(page.get_by_text("Not now: retry")).to_be_visible()
    choose(page, f"Who does it: {task['title']}", "Nobody")
    expect(page.get_by_text("Not now: assign")).to_be_visible()
    page.get_by_role("button", name="Release hold").first.click()
    dialog(page, "Release the hold?").get_by_role("button", name="Release hold").click()
    expect(page.get_by_text("Not now: hold")).to_be_visible()

    card = page.get_by_role("region", name="Notes")
    card.get_by_role("button", name="Add notes").click()
    card.get_by_role("textbox").fill("in vain")
    card.get_by_role("button", name="Save notes").click()
    expect(card).to_contain_text("Not now: notes")
    page.get_by_role("button", name="Change stage").click()
    form = dialog(page, "Change stage or hold")
    choose(form, "Stage", "Churned")
    form.get_by_label("Reason").fill("in vain")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Not now: stage")
    found = journey(stack, customer)
    assert (found["current_stage"], found["held"], found["notes"]) == ("prospect", True, None)
    assert actions(stack, customer, "centre_offer") == []
    assert len(actions(stack, customer, "centre_email")[0]["latest_attempts"]) == 1
    assert tasks(stack, customer)[0]["assigned_to"] == task["assigned_to"]
