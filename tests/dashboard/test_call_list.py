"""The call list and the due list: one customer after another is called, by mouse or keyboard, and can be undone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.dashboard.conftest import Stack, Visit
from tests.dashboard.test_risk_list import send
from tests.support.dashboard_controls import wait_for

WIDE: ViewportSize = {"width": 1440, "height": 900}
DESK: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}


LIVES = {
    "ada": ((184, 156, 128, 100), "90.00"),
    "bea": ((184, 156, 128, 100), "60.00"),
    "cleo": ((124, 96, 68, 40), "30.00"),
    "dora": ((109, 81, 53, 25), "30.00"),
}


def at(*sizes: ViewportSize) -> pytest.MarkDecorator:
    """Run a test in windows of these sizes."""
    return pytest.mark.parametrize("visit_of_desk", sizes, indirect=True, ids=lambda size: str(size["width"]))


@pytest.fixture
def desk(stack: Stack) -> tuple[str, httpx2.Client]:
    """A company whose customers come every 28 days: two at risk, one overdue, one expected in three days."""
    _, key = stack.create_company(f"Desk {uuid.uuid4().hex[:6]}")
    client = httpx2.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    for customer, (days, amount) in LIVES.items():
        send(client, customer, *({"at": ago, "amount": amount} for ago in days))
        phone = {"name": f"{customer.capitalize()} Example", "phone": "+4930123456"}
        assert client.put(f"/v1/customers/{customer}", json=phone).status_code == 200

    def has_mean_amounts() -> bool:
        rows = client.get("/v1/portal/call-list").json()["customers"]
        return len(rows) == 3 and all(row["mean_amount"] is not None for row in rows)

    wait_for(has_mean_amounts)
    return key, client


@pytest.fixture
def visit_of_desk(
    request: pytest.FixtureRequest, make_visit: Callable[..., Visit], desk: tuple[str, httpx2.Client]
) -> Visit:
    visit = make_visit(viewport=request.param)
    visit.sign_in(desk[0])
    return visit


def rows(page: Page, name: str = "Call list") -> Locator:
    return page.get_by_role("region", name=name).locator("tbody tr.ant-table-row, li.row-card")


def log_button(page: Page, customer: str) -> Locator:
    return page.get_by_role("button", name=f"Log a contact with {customer} Example")


def timeline(client: httpx2.Client, customer: str) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/portal/customers/{customer}/timeline", params={"kind": "contact"})
    found: list[dict[str, Any]] = answer.json()["timeline"]
    return found


@at(WIDE, DESK, PHONE)
def test_each_row_shows_the_numbers_and_the_reason(visit_of_desk: Visit) -> None:
    page = visit_of_desk.page
    expect(rows(page)).to_have_count(3)
    first = rows(page).first
    expect(first.get_by_role("link", name="Ada Example")).to_be_visible()
    expect(first).to_contain_text("US$1,173.21")
    expect(first).to_contain_text("US$90.00 × 365 ÷ 28 days × 100%")
    expect(first).to_contain_text("usually comes every 28 days and spends about $90; 100 days since the last visit")
    expect(first.get_by_role("link", name="+4930123456")).to_have_attribute("href", "tel:+4930123456")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


@at(DESK)
def test_calling_one_customer_after_another_by_keyboard(visit_of_desk: Visit, desk: tuple[str, httpx2.Client]) -> None:
    """Two keys for each customer; then the next one has the focus."""
    page, client = visit_of_desk.page, desk[1]
    log_button(page, "Ada").focus()
    for key, outcome, customer in (("2", "no_answer", "Ada"), ("1", "reached", "Bea"), ("4", "declined", "Cleo")):
        expect(log_button(page, customer)).to_be_focused()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Reached")).to_be_focused()
        page.keyboard.press(key)
        expect(dialog).to_be_hidden()
        expect(log_button(page, customer)).to_have_count(0)
        assert [entry["outcome"] for entry in timeline(client, customer.lower())] == [outcome]
    expect(page.get_by_text("Nobody to call")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(1)
    expect(log_button(page, "Cleo")).to_be_visible()
    assert timeline(client, "cleo") == []


@at(PHONE)
def test_note_next_call_and_a_booking(visit_of_desk: Visit, desk: tuple[str, httpx2.Client]) -> None:
    page, client = visit_of_desk.page, desk[1]
    log_button(page, "Ada").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("Mailbox 1 of 2")  # digits in a text are no shortcuts
    dialog.get_by_role("button", name="In a week").click()
    dialog.get_by_role("button", name="No reply").click()
    expect(log_button(page, "Ada")).to_have_count(0)
    (entry,) = timeline(client, "ada")
    assert entry["note"] == "Mailbox 1 of 2"
    ahead = datetime.fromisoformat(entry["follow_up_at"]) - datetime.fromisoformat(entry["contacted_at"])
    assert timedelta(days=6, hours=23) < ahead < timedelta(days=7, hours=1)

    log_button(page, "Bea").click()
    dialog.get_by_role("button", name="Booked…").click()
    at = page.evaluate(
        "new Date(Date.now() + 3 * 864e5 - new Date().getTimezoneOffset() * 6e4).toISOString().slice(0, 16)"
    )
    dialog.get_by_label("Date and time").fill("2020-01-01T10:00")
    dialog.get_by_role("button", name="Save booking").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose a time in the future")
    dialog.get_by_label("Date and time").fill(at)
    dialog.get_by_label("Service").fill("colour")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    booked = client.get("/v1/customers/bea").json()["next_appointment_at"]
    assert abs(datetime.fromisoformat(booked).timestamp() * 1000 - page.evaluate(f"Date.parse('{at}')")) < 60_000


@at(WIDE)
def test_who_wants_no_contact_until_it_is_taken_back(visit_of_desk: Visit) -> None:
    page = visit_of_desk.page
    log_button(page, "Ada").click()
    page.get_by_role("dialog").get_by_role("button", name="Do not contact").click()
    expect(log_button(page, "Ada")).to_have_count(0)
    visit_of_desk.open("/customers/ada")
    expect(page.get_by_text("Do not contact, since")).to_be_visible()
    expect(page.get_by_role("heading", name="Phone: Do not contact")).to_be_visible()
    page.get_by_role("button", name="Allow contact again").click()
    expect(page.get_by_text("Do not contact, since")).to_have_count(0)
    expect(page.get_by_text("Contact was allowed again")).to_be_visible()
    page.get_by_role("button", name="Remove contact: Phone: Do not contact").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("heading", name="Phone: Do not contact")).to_have_count(0)
    visit_of_desk.open("/action-centre")
    expect(log_button(page, "Ada")).to_be_visible()


@at(PHONE)
def test_who_is_expected_soon(visit_of_desk: Visit) -> None:
    page = visit_of_desk.page
    page.get_by_role("radiogroup", name="List").first.get_by_text("Due soon").click()
    title = "Due in the next 7 days"
    expect(rows(page, title)).to_have_count(1)
    expect(rows(page, title)).to_contain_text("usually comes every 28 days; expected on")
    page.reload()  # the choice is in the address
    expect(rows(page, title)).to_have_count(1)
    log_button(page, "Dora").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(log_button(page, "Dora")).to_be_focused()
    page.get_by_role("radiogroup", name="List").first.get_by_text("At risk").click()
    expect(page.get_by_role("region", name="Customers at risk")).to_be_visible()
