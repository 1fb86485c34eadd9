"""Signing in with a link or an API key, and the errors of both."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.support.dashboard_controls import wait_for_heading


def test_sign_in_with_the_link_that_up_prints(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.stack.link)
    page.wait_for_url("**/action-centre")
    wait_for_heading(page, "Action centre")
    assert "token" not in page.url
    expect(page.get_by_text("Salon Lindenhof (invented)")).to_be_visible()
    visit.expected_errors = "401"  # the browser's own message about the 401
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(visit.stack.link)
    expect(page.get_by_text("has expired or has already been used")).to_be_visible()


def test_sign_in_with_a_key_returns_to_the_requested_page(visit: Visit) -> None:
    page = visit.page
    visit.open("/customers/salon-0003")
    page.get_by_label("Access key").fill(visit.stack.key)
    page.get_by_label("Access key").press("Enter")
    page.wait_for_url("**/customers/salon-0003")
    wait_for_heading(page, None)


def test_input_is_validated(visit: Visit) -> None:
    page = visit.page
    visit.open("/sign-in")
    expect(page.get_by_label("Access key")).to_be_focused()
    for technical in ("curl", "./run", "journey keys"):  # the reader works in a salon
        expect(page.get_by_role("main")).not_to_contain_text(technical)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Enter your access key")).to_be_visible()
    page.get_by_label("Access key").fill(f"  {visit.stack.key} ")  # copied with spaces
    expect(page.get_by_text("Enter your access key")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    wait_for_heading(page, "Action centre")


def test_the_error_disappears_on_typing(visit: Visit) -> None:
    page = visit.page
    visit.expected_errors = "401"
    visit.open("/sign-in")
    page.get_by_label("Access key").fill("pk_nobodys")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This access key is not valid")).to_be_visible()
    page.get_by_label("Access key").fill("pk_")
    expect(page.get_by_text("This access key is not valid")).to_have_count(0)
