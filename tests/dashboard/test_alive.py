"""Live updates, outages, expired sessions; many customers and none."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from journey.event_validation import parse
from journey.events import Event
from journey.time import to_micros
from tests.dashboard.conftest import Visit
from tests.support.journey_rows import insert_company

MANY = 5_000


def test_a_stage_change_appears_live(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    response = stack.request(
        "GET", "/v1/portal/relationships", params={"stage": "at_risk", "limit": 5, "sort": "lifetime_value"}
    )
    customer = response["relationships"][-1]["customer_id"]
    visit.sign_in()
    visit.open(f"/customers/{customer}")
    expect(page.locator("main").get_by_text("At Risk", exact=True).first).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    started = time.monotonic()
    stack.send_event(customer)
    expect(page.get_by_text(re.compile(r"At Risk → (Customer|Regular Customer|VIP Customer)")).first).to_be_visible()
    assert time.monotonic() - started < 10  # by the stream, not by polling every 15 seconds


def test_the_gateway_restarts(visit: Visit) -> None:
    page = visit.page
    visit.expected_errors = "ERR_|Failed to load resource"  # the browser's own messages
    visit.sign_in()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    visit.stack.kill_gateway()
    expect(page.get_by_text("Offline")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Offline")).to_have_count(0)
    page.get_by_role("link", name="Customers").click()
    page.get_by_role("table").first.wait_for()
    visit.stack.send_event("salon-0002", "call.received", duration_seconds=200)


def test_an_expired_session_leads_to_sign_in_and_back(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.expected_errors = "401"
    visit.sign_in()
    visit.open("/customers")
    page.get_by_role("table").first.wait_for()
    stack.execute("update sessions set expires_at = now() - interval '1 second'")
    page.get_by_text("Your session has expired").wait_for(timeout=30_000)
    page.get_by_label("Access key").fill(stack.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/customers")
    page.get_by_role("table").first.wait_for()


def test_a_company_without_customers(visit: Visit) -> None:
    page = visit.page
    _, key = visit.stack.create_company("Nobody yet Ltd")
    visit.sign_in(key)
    expect(page.get_by_text("Nobody to call")).to_be_visible()
    expect(page.get_by_text("No open tasks")).to_be_visible()
    visit.open("/customers")
    expect(page.get_by_text("No customers yet")).to_be_visible()
    visit.open("/analytics")
    page.get_by_role("heading", name="Analytics").wait_for()
    expect(page.locator("main")).not_to_contain_text("NaN")


def test_a_list_of_five_thousand_customers(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    company = 5_000
    insert_company(
        stack.database_url, company, ([_visit(number)] for number in range(MANY)), to_micros(datetime.now(UTC))
    )
    stack.execute(
        "insert into api_keys (company_id, name, key_hash, prefix, scopes) values (%s, 'many',"
        " sha256('pk_of_many'), 'pk_of_ma', array['journeys:read'])",
        company,
    )
    visit.sign_in("pk_of_many")
    visit.open("/customers")
    expect(page.get_by_text("5,000 customers")).to_be_visible()
    rows = page.get_by_role("row")
    rows.nth(10).wait_for()
    assert rows.count() <= 201  # one page
    page.get_by_role("textbox", name="Search by name, phone, e-mail or ID").fill("many-4321")
    expect(page.get_by_text("1 customer", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("many-4321")).first).to_be_visible()


def _visit(number: int) -> Event:
    at = datetime.now(UTC) - timedelta(days=1 + number % 400)
    event = {"id": f"v-{number}", "type": "appointment.completed", "customer_id": f"many-{number}", "amount": "10.00"}
    return parse(json.dumps({**event, "occurred_at": at.isoformat()}))
