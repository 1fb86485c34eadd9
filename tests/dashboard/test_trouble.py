"""Failed, slow and broken views report the problem and recover."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.dashboard.conftest import Visit
from tests.support.dashboard_controls import select_option, visible_dialog, wait_for, wait_for_heading
from tests.support.dashboard_customers import get_journey, list_actions, list_tasks, new_prospect

FAILED = "This section could not be loaded"
#: for each view, the sections that report a failed request: the URL of the request, and a text shown on success
SECTIONS: list[tuple[str, dict[str, tuple[str, str]]]] = [
    ("/customers", {"main": ("**/v1/portal/relationships?*", "customers")}),
    ("/stages", {"main": ("**/v1/stages", "Prospect")}),
    ("/customers/salon-0001", {"main": ("**/v1/portal/customers/salon-0001/journey?*", "Timeline")}),
    (
        "/customers/salon-0001",
        {
            "Timeline": ("**/v1/portal/customers/salon-0001/timeline?*", "Appointment"),
            "Tasks": ("**/v1/portal/tasks?*", r"Done|No open tasks"),
            "Scores": ("**/v1/customers/salon-0001/explain", "Reason"),
        },
    ),
    ("/analytics", {"main": ("**/v1/portal/analytics/customer-journey?*", "Conversion funnel")}),
    (
        "/analytics",
        {
            "Stage flow": ("**/v1/portal/analytics/sankey?*", "Show as table"),
            "Stages over time": ("**/v1/portal/analytics/stage-metrics?*", "Show as table"),
        },
    ),
]
SLOW_REQUESTS = {
    "/action-centre": "**/call-list?*",
    "/customers": "**/v1/portal/relationships?*",
    "/customers/salon-0001": "**/salon-0001/timeline?*",
    "/analytics": "**/v1/portal/analytics/*",
    "/stages": "**/v1/stages",
}


def forbid(route: Route, detail: str = "Not today") -> None:
    """Answer 403, which is not retried automatically."""
    route.fulfill(status=403, json={"title": "Forbidden", "detail": detail})


def test_sections_report_failures_and_recover(visit: Visit) -> None:
    """Each section reports its own failure after the retries, and recovers by its own button."""
    page = visit.page
    visit.expected_errors = "500"
    sections = {"Call list": "**/call-list?*", "Tasks": "**/v1/portal/tasks?*"}
    for path in sections.values():
        page.route(path, lambda route: route.fulfill(status=500, json={"title": "Broken"}))
    visit.sign_in()
    for name, path in sections.items():
        section = page.get_by_role("region", name=name)
        expect(section.get_by_role("alert")).to_contain_text(FAILED, timeout=10_000)
        expect(section.get_by_role("alert")).to_contain_text("Broken")
        page.unroute(path)
        section.get_by_role("button", name="Try again").click()
        expect(section.get_by_role("link").first).to_be_visible()
        expect(section.get_by_role("alert")).to_have_count(0)


def test_failed_requests_are_retried(visit: Visit) -> None:
    page = visit.page
    visit.expected_errors = "403"
    visit.sign_in(at="/stages")
    for view, sections in SECTIONS:
        for url, _ in sections.values():
            page.route(url, lambda route: forbid(route))
        visit.open(view)
        if "Scores" in sections:  # loaded on demand
            page.get_by_role("button", name="Why? Risk").click()
        for name, (url, text) in sections.items():
            section = page.get_by_role("main") if name == "main" else page.get_by_role("region", name=name, exact=True)
            alert = section.get_by_role("alert").filter(has_text=FAILED)
            expect(alert).to_contain_text("Not today")
            page.unroute(url)
            alert.get_by_role("button", name="Try again").click()
            expect(section).to_contain_text(re.compile(text))
            expect(alert).to_have_count(0)


def test_data_stays_visible_when_a_refetch_fails(visit: Visit) -> None:
    """The timeline shows an error above its entries, and retrying refetches it."""
    page, stack = visit.page, visit.stack
    visit.expected_errors = "403"
    customer = "salon-0003"
    visit.sign_in(at=f"/customers/{customer}")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.locator(".entry").first).to_be_visible()
    before = timeline.locator(".entry").count()
    page.route("**/timeline?*", lambda route: forbid(route))
    stack.send_event(customer, "feedback.received", rating=4, comment="visible only later")
    expect(timeline.get_by_role("alert")).to_contain_text("Not today")
    expect(timeline.locator(".entry")).to_have_count(before)
    page.unroute_all()
    timeline.get_by_role("button", name="Try again").click()
    expect(timeline).to_contain_text("visible only later")
    expect(timeline.get_by_role("alert")).to_have_count(0)


def test_slow_requests_show_placeholders(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/no-such-page")
    for view, url in SLOW_REQUESTS.items():
        pending: list[Route] = []
        page.route(url, lambda route, *, pending=pending: pending.append(route))
        visit.open(view)
        expect(page.get_by_role("main").get_by_role("status", name="Loading…").first).to_be_visible()
        page.route(url, lambda route: route.continue_())  # further requests
        for route in pending:
            route.continue_()
        expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_missing_chunk_reloads_the_page(visit: Visit) -> None:
    """Browsers cache failed module imports, so the page reloads: automatically once, then by a button."""
    page = visit.page
    visit.expected_errors = "ERR_FAILED"
    menu = page.get_by_role("navigation", name="Main")
    visit.sign_in()
    page.route("**/assets/stages-*.js", lambda route: route.abort(), times=1)
    menu.get_by_role("link", name="Stages").click()
    wait_for_heading(page, "Stages")
    files = "**/assets/customers-*.js"
    page.route(files, lambda route: route.abort())
    menu.get_by_role("link", name="Customers").click()
    expect(page.get_by_text("Part of this page could not be loaded")).to_be_visible()
    expect(menu).to_be_visible()  # the rest of the page stays
    page.unroute(files)
    page.get_by_role("button", name="Reload").click()
    wait_for_heading(page, "Customers")


def test_a_rendering_error_leaves_the_shell_intact(visit: Visit) -> None:
    page = visit.page
    visit.expected_errors = "undefined|null"  # the thrown error
    page.route("**/v1/stages", lambda route: route.fulfill(json={"stages": [None]}))
    visit.sign_in()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Stages").click()
    expect(page.get_by_text("Something went wrong on this page")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Reload").click()
    wait_for_heading(page, "Stages")


def test_the_server_is_unreachable_at_the_start(visit: Visit) -> None:
    page = visit.page
    visit.expected_errors = "ERR_"
    visit.sign_in(at="/stages")
    page.route("**/v1/session", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("The server is not responding")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The server is not responding")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    wait_for_heading(page, "Stages")


def test_failed_actions_are_reported(visit: Visit) -> None:
    """For every button of the journey view that sends a request."""
    page, stack = visit.page, visit.stack
    visit.expected_errors = "403"
    customer = new_prospect(stack, "Ute Unlucky", consent={"email": False})
    hold = {"stage": "prospect", "reason": "to be released", "hold": True}
    stack.request("POST", f"/v1/customers/{customer}/stage", json=hold)
    for kind in ("email", "call"):
        stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": kind})
    (task,) = wait_for(list_tasks, stack, customer)
    visit.sign_in(at=f"/customers/{customer}")
    page.get_by_role("button", name="Try again: E-mail requested").wait_for()
    page.route(
        re.compile(r"/v1/.*/(actions|stage|hold|notes|retry|assign)$"),
        lambda route: forbid(route, f"Not now: {route.request.url.rpartition('/')[2]}"),
    )
    page.get_by_role("button", name="Offer: Ute Unlucky").click()
    offer = visible_dialog(page, "Send this offer to Ute Unlucky?")
    expect(offer).to_contain_text("This message will not be sent: no consent to e-mail")
    offer.get_by_role("button", name="Send offer").click()
    expect(page.get_by_text("Not now: actions")).to_be_visible()
    offer.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Try again: E-mail requested").click()
    expect(page.get_by_text("Not now: retry")).to_be_visible()
    select_option(page, f"Assignee: {task['title']}", "Unassigned")
    expect(page.get_by_text("Not now: assign")).to_be_visible()
    page.get_by_role("button", name="Release hold").first.click()
    visible_dialog(page, "Release the hold?").get_by_role("button", name="Release hold").click()
    expect(page.get_by_text("Not now: hold")).to_be_visible()

    card = page.get_by_role("region", name="Notes")
    card.get_by_role("button", name="Add notes").click()
    card.get_by_role("textbox").fill("in vain")
    card.get_by_role("button", name="Save notes").click()
    expect(card).to_contain_text("Not now: notes")
    page.get_by_role("button", name="Change stage").click()
    form = visible_dialog(page, "Change stage or hold")
    select_option(form, "Stage", "Churned")
    form.get_by_label("Reason").fill("in vain")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Not now: stage")
    journey = get_journey(stack, customer)
    assert (journey["current_stage"], journey["held"], journey["notes"]) == ("prospect", True, None)
    assert list_actions(stack, customer, "centre_offer") == []
    assert len(list_actions(stack, customer, "centre_email")[0]["latest_attempts"]) == 1
    assert list_tasks(stack, customer)[0]["assigned_to"] == task["assigned_to"]
