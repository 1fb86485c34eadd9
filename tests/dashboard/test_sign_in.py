"""Signing in: by a link, by a key, and what is said when neither is any good."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.support.controls import heading


def test_signing_in_by_the_link_of_the_banner(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.stack.link)
    page.wait_for_url("**/action-centre")
    heading(page, "Action centre")
    assert "token" not in page.url
    expect(page.get_by_text("Salon Lindenhof (invented)")).to_be_visible()
    visit.expected = "401"  # the browser's own word about the answer to a link that was used
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(visit.stack.link)
    expect(page.get_by_text("has been used or has expired")).to_be_visible()


def test_signing_in_by_a_key_leads_where_one_wanted_to_go(visit: Visit) -> None:
    page = visit.page
    visit.open("/customers/salon-0003")
    page.get_by_label("API key").fill(visit.stack.key)
    page.get_by_label("API key").press("Enter")
    page.wait_for_url("**/customers/salon-0003")
    heading(page, None)


def test_what_is_entered_is_looked_at_first(visit: Visit) -> None:
    page = visit.page
    visit.open("/sign-in")
    expect(page.get_by_label("API key")).to_be_focused()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Enter a key")).to_be_visible()
    page.get_by_label("API key").fill(f"  {visit.stack.key} ")  # as it was copied
    expect(page.get_by_text("Enter a key")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    heading(page, "Action centre")


def test_a_refusal_is_taken_back_when_one_types(visit: Visit) -> None:
    page = visit.page
    visit.expected = "401"
    visit.open("/sign-in")
    page.get_by_label("API key").fill("pk_nobodys")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This key is not valid")).to_be_visible()
    page.get_by_label("API key").fill("pk_")
    expect(page.get_by_text("This key is not valid")).to_have_count(0)
