"""Problems: failed and held-back actions with counts, filters and bulk retry; their number in the menu."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from db.people.api_keys import JOURNEYS_READ
from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import select_option, visible_dialog, wait_for
from tests.support.dashboard_customers import finished_actions, new_prospect

FAILED = (
    "update journey_actions set status = 'failed', attempts = 3, last_error = 'smtp: 550 no such mailbox',"
    " reason = null"
)
MANY = """
insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, status, reason, due_at)
select company_id, relationship_id, action_key || ':' || n, 'campaign_sms', stage_key, entry, 'suppressed',
       'no consent to SMS', now()
  from journey_actions, generate_series(1, 60) n where id = %s
"""


@pytest.fixture
def own(stack: Stack) -> Stack:
    """A company of its own, without problems."""
    _, key = stack.create_company("Trouble Ltd")
    company = replace(stack, key=key)
    company.request("PUT", "/v1/outreach", json={"quiet_from": "00:00", "quiet_to": "00:00"})
    return company


def held_back(own: Stack, name: str) -> tuple[str, int]:
    """Create a customer whose e-mail is held back, because they have not consented. Return both ids."""
    customer = new_prospect(own, name, consent={"email": False})
    own.request("POST", f"/v1/customers/{customer}/actions", json={"type": "email"})
    (action,) = wait_for(finished_actions, own, customer, "centre_email")
    assert action["status"] == "suppressed"
    return customer, action["id"]


def consent(own: Stack, customer: str) -> None:
    """Record consent without a change of the profile through the API, which would try the actions again."""
    own.execute("update customers set consent = '{\"email\": true}' where external_id = %s", customer)


def rows(page: Page) -> Any:
    return page.locator("tbody tr.ant-table-row, li.row-card")


def badges(page: Page) -> list[str]:
    texts: list[str] = page.locator(".side .nav-badge [aria-hidden]").all_text_contents()
    return texts


def test_problems_are_counted_and_filtered(visit: Visit, own: Stack) -> None:
    page = visit.page
    held_back(own, "Ada Held")
    _, failed = held_back(own, "Bea Failed")
    _, failing = held_back(own, "Cleo Failing")
    own.execute(f"{FAILED} where id = %s", failed)
    own.execute(
        f"{FAILED}, due_at = now() + interval '20 minutes' where id = %s".replace("'failed'", "'pending'"), failing
    )
    visit.sign_in(own.key, at="/action-problems")
    expect(rows(page)).to_have_count(3)
    assert badges(page) == ["2", "1"]
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile("^Problems"))
    expect(link).to_contain_text("2 failed or undelivered actions")
    expect(link).to_contain_text("1 held-back action")

    expect(rows(page).filter(has_text="Bea Failed")).to_contain_text("smtp: 550 no such mailbox")
    assert rows(page).filter(has_text="Bea Failed").locator(".ant-tag").text_content() == "Failed"
    expect(rows(page).filter(has_text="Cleo Failing")).to_contain_text(re.compile(r"Not delivered yet.*next try at \d"))
    expect(rows(page).filter(has_text="Cleo Failing").get_by_role("button")).to_have_count(0)  # it continues by itself
    expect(rows(page).filter(has_text="Ada Held")).to_contain_text("no consent to e-mail")

    filters = page.get_by_role("radiogroup", name="Problem")
    texts = ["All (3)", "Failed (1)", "Not delivered yet (1)", "Waiting (0)", "Skipped (1)"]
    expect(filters.locator("label")).to_have_text(texts)
    filters.get_by_text("Not delivered yet").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Cleo Failing")
    assert "problem=failing" in page.url
    filters.get_by_text("Waiting").click()
    expect(page.get_by_text("No matching actions")).to_be_visible()
    page.get_by_role("button", name="Show all problems").click()
    expect(rows(page)).to_have_count(3)
    select_option(page, "Action", "E-mail requested (3)")
    expect(rows(page)).to_have_count(3)
    page.reload()
    expect(page.get_by_role("combobox", name="Action")).to_be_visible()
    assert "action=centre_email" in page.url
    rows(page).get_by_role("link", name="Ada Held").click()
    page.wait_for_url("**/customers/own-*")


def test_a_bulk_retry_tells_the_result_of_each_action(visit: Visit, own: Stack) -> None:
    page = visit.page
    ada, ada_action = held_back(own, "Ada Again")
    bea, bea_action = held_back(own, "Bea Done")
    consent(own, ada)
    consent(own, bea)
    own.execute(f"{FAILED} where id in (%s, %s)", ada_action, bea_action)
    visit.sign_in(own.key, at="/action-problems")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("checkbox", name="Select all on this page that can be tried again").check()
    toolbar = page.get_by_role("region", name="2 actions selected")
    toolbar.get_by_role("button", name="Try again").click()
    dialog = visible_dialog(page, "Try 2 actions again?")
    expect(dialog).to_contain_text("Consent, quiet hours and the weekly limit still apply.")
    own.execute("update journey_actions set status = 'succeeded' where id = %s", bea_action)  # by a colleague
    pending: list[Route] = []
    page.route("**/v1/portal/problems/retry", lambda route: pending.append(route))
    dialog.get_by_role("button", name="Try 2 again").click()
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    expect(dialog).to_contain_text("0 of 2")
    pending[0].continue_()
    expect(dialog).to_contain_text("1 action is being tried again")
    expect(dialog).to_contain_text("1 action could not be tried again")
    results = dialog.get_by_role("region", name="Result of each action").get_by_role("listitem")
    expect(results.filter(has_text="Ada Again")).to_contain_text("Being tried again")
    expect(results.filter(has_text="Bea Done")).to_contain_text(
        f"action {bea_action} is succeeded; only failed or suppressed actions can be retried"
    )
    dialog.get_by_role("button", name="Close").last.click()
    assert wait_for(finished_actions, own, ada, "centre_email")[0]["status"] == "succeeded"
    expect(page.get_by_text("No problems")).to_be_visible()
    assert badges(page) == []


def test_all_matching_actions_can_be_tried_again(visit: Visit, own: Stack) -> None:
    page = visit.page
    _, action = held_back(own, "Ada Many")
    own.execute(MANY, action)
    visit.sign_in(own.key, at="/action-problems")
    expect(rows(page)).to_have_count(50)
    assert badges(page) == ["61"]
    menu = page.locator(".side .nav-menu").bounding_box()
    entry = page.locator(".side .nav-menu a", has_text="Problems").bounding_box()
    assert menu is not None
    assert entry is not None
    assert entry["x"] + entry["width"] <= menu["x"] + menu["width"]
    expect(page.get_by_role("button", name=re.compile("Try all"))).to_have_count(0)  # only of one kind
    page.get_by_role("radiogroup", name="Problem").get_by_text("Skipped (61)").click()
    page.get_by_role("button", name="Try all 61 again").click()
    dialog = visible_dialog(page, "Try 61 actions again?")
    failures: list[Route] = []

    def fail_the_third(route: Route) -> None:
        failures.append(route)
        if len(failures) == 3:
            route.fulfill(status=503, json={"type": "about:blank", "title": "Service unavailable", "status": 503})
        else:
            route.continue_()

    visit.expected_errors = "503"
    page.route("**/v1/portal/problems/retry", fail_the_third)
    dialog.get_by_role("button", name="Try 61 again").click()
    expect(dialog).to_contain_text("40 actions are being tried again")
    expect(dialog).to_contain_text("21 actions could not be tried again")
    expect(dialog.get_by_role("listitem").filter(has_text="Service unavailable")).to_have_count(20)
    expect(dialog.get_by_role("listitem").filter(has_text="Not attempted")).to_have_count(1)
    dialog.get_by_role("button", name="Try the others again").click()
    expect(dialog).to_contain_text("61 actions are being tried again")


def test_one_action_can_be_tried_again(visit: Visit, own: Stack) -> None:
    page = visit.page
    customer, _ = held_back(own, "Ada Single")
    consent(own, customer)
    visit.sign_in(own.key, at="/action-problems?problem=suppressed")
    page.get_by_role("button", name="Try again: E-mail requested, Ada Single").click()
    visible_dialog(page, "Try 1 action again?").get_by_role("button", name="Try 1 again").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 action is being tried again")
    assert wait_for(finished_actions, own, customer, "centre_email")[0]["status"] == "succeeded"


def test_a_company_without_problems(visit: Visit, own: Stack) -> None:
    visit.sign_in(own.key, at="/action-problems")
    expect(visit.page.get_by_text("No problems")).to_be_visible()
    expect(visit.page.get_by_text("Everything that was due has been done.")).to_be_visible()
    assert badges(visit.page) == []


def test_readers_cannot_try_again(visit: Visit, own: Stack) -> None:
    visit.sign_in(visit.stack.create_key(JOURNEYS_READ), at="/action-problems")
    visit.page.get_by_role("radiogroup", name="Problem").wait_for()
    expect(visit.page.get_by_role("checkbox")).to_have_count(0)
    expect(visit.page.get_by_role("button", name=re.compile("Try"))).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 1440, 390])
def test_nothing_is_cut_off(make_visit: Callable[..., Visit], own: Stack, width: int) -> None:
    visit = make_visit(viewport={"width": width, "height": 844})
    page = visit.page
    _, action = held_back(own, "Ada Example-Longname of the Southern Branch")
    own.execute(f"{FAILED} where id = %s".replace("no such mailbox", "no such mailbox " * 8), action)
    visit.sign_in(own.key, at="/action-problems")
    expect(rows(page)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    overflowing = (
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
    )
    assert page.evaluate(f"{overflowing}.map(e => e.className)") == []
    if width == 390:
        select_option(page, "Problem", "Failed (1)")
        page.get_by_role("button", name="Menu").click()
        expect(page.get_by_role("dialog").get_by_role("link", name=re.compile("^Problems"))).to_contain_text("1")
