"""The list of customers at risk: whom it contains, in which order, and why each of them is listed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import customer_ids_in, select_option

SIZES: list[ViewportSize] = [
    {"width": 1280, "height": 800},
    {"width": 1440, "height": 900},
    {"width": 390, "height": 844},
]
MODEL = '{"r": 0.25, "alpha": 30.0, "a": 0.8, "b": 2.5}'
LEFT = "Include customers who have left"


@dataclass
class Salon:
    """A company without a demo: three customers at risk, one with a high risk score, one who has left, two others."""

    id: int
    key: str
    client: httpx2.Client


@pytest.fixture(scope="module")
def salon(stack: Stack) -> Salon:
    company, key = stack.create_company(f"Salon {uuid.uuid4().hex[:6]}")
    client = httpx2.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    visits = {
        "small": [(100, "20.00")],
        "large": [(100, "900.00")],
        "often": [(150, "200.00"), (130, "200.00"), (110, "200.00")],
        "gone": [(200, "500.00")],
        "late": [(80, "60.00")],
        "fresh": [(2, "60.00")],
    }
    for customer, appointments in visits.items():
        send(client, customer, *({"at": days, "amount": amount} for days, amount in appointments))
    tickets = [{"type": "support_ticket.opened", "ticket_id": f"t-{n}", "at": 99} for n in (1, 2)]
    send(client, "risky", {"type": "appointment.missed", "at": 100}, *tickets)
    stack.execute(
        "insert into return_models (company_id, version, method, history_to, customers, returned_customers,"
        " parameters, log_likelihood) values (%s, 1, 'BG/NBD', current_date, 4, 1, %s, -1.5)",
        *(company, MODEL),
    )
    for customer, probability in {"late": 0.2, "fresh": 0.8}.items():
        stack.execute(
            "update customer_relationships set return_probability = %s where company_id = %s"
            " and customer_id = (select id from customers where company_id = %s and external_id = %s)",
            *(probability, company, company, customer),
        )
    return Salon(company, key, client)


def send(client: httpx2.Client, customer: str, *events: dict[str, Any]) -> None:
    """Send events of a customer, `at` so many days ago, and wait until they are applied."""
    profile = {"name": f"{customer.capitalize()} Example", "email": f"{customer}@example.com"}
    assert client.put(f"/v1/customers/{customer}", json=profile).status_code < 300
    batch = []
    for event in events:
        at = (datetime.now(UTC) - timedelta(days=event.pop("at"))).isoformat()
        head = {"id": uuid.uuid4().hex, "type": "appointment.completed", "customer_id": customer, "occurred_at": at}
        batch.append({**head, **event})
    answer = client.post("/v1/events?wait=10", json={"events": batch})
    assert {outcome["outcome"] for outcome in answer.json()["outcomes"]} == {"applied"}


def panel(page: Page, name: str = "Customers at risk") -> Locator:
    return page.get_by_role("region", name=name)


def expect_customers(page: Page, *customers: str, title: str = "Customers at risk") -> None:
    """Wait until the list contains these customers in this order, and its title their number."""
    expect(panel(page, title).get_by_role("heading")).to_have_text(f"{title} {len(customers)}")
    expect(panel(page, title).locator("tbody tr.ant-table-row, li.row-card")).to_have_count(len(customers))
    assert customer_ids_in(panel(page, title)) == list(customers)


@pytest.fixture(params=SIZES, ids=lambda size: str(size["width"]))
def visit_of_salon(request: pytest.FixtureRequest, make_visit: Callable[..., Visit], salon: Salon) -> Visit:
    visit = make_visit(viewport=request.param)
    visit.sign_in(salon.key, at="/action-centre?list=risk")
    return visit


def test_at_risk_is_one_number(visit_of_salon: Visit, salon: Salon) -> None:
    """The list, the analytics tile and the API agree; the most valuable of those who may return comes first."""
    page = visit_of_salon.page
    answer = salon.client.get("/v1/portal/analytics/churn-predictions").json()
    assert [row["customer_id"] for row in answer["predictions"]] == ["often", "large", "small"]
    assert answer["total"] == salon.client.get("/v1/portal/analytics/customer-journey").json()["at_risk_count"] == 3
    expect_customers(page, "often", "large", "small")
    expect(panel(page).locator(".stage-tag")).to_have_text(["At Risk"] * 3)
    page.goto(page.url.replace("action-centre?list=risk", "analytics"))
    tile = page.get_by_role("region", name="Key figures").locator(".ant-statistic").filter(has_text="At risk")
    expect(tile.locator(".ant-statistic-content")).to_have_text("3")


def test_who_is_listed_is_a_choice(visit_of_salon: Visit) -> None:
    """Others appear on request only; the choice survives a look at a journey."""
    page = visit_of_salon.page
    expect_customers(page, "often", "large", "small")
    expect(page.get_by_role("combobox", name="Stage")).to_have_count(0)  # there is only one
    page.get_by_role("checkbox", name=LEFT).click()
    expect_customers(page, "often", "large", "gone", "small")
    select_option(page, "Stage", "Churned")
    expect_customers(page, "gone")
    expect(panel(page).locator(".stage-tag")).to_have_text(["Churned"])
    page.keyboard.press("Escape")
    panel(page).get_by_role("link", name="Gone Example").click()
    page.get_by_role("heading", level=1, name="Gone Example").wait_for()
    page.go_back()
    expect_customers(page, "gone")
    page.get_by_role("checkbox", name=LEFT).click()
    expect_customers(page, "often", "large", "small")

    select_option(page, "Show", "At risk, or risk over 70%")
    expect_customers(page, "often", "large", "small", "risky", title="Customers at risk or with a high risk score")
    select_option(page, "Show", "Still coming, return under 50%")
    expect_customers(page, "late", title="Customers who still come, but are unlikely to return")
    expect(page.get_by_role("checkbox", name=LEFT)).to_have_count(0)
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0


def test_each_row_says_why(visit_of_salon: Visit, salon: Salon) -> None:
    page = visit_of_salon.page
    button = page.get_by_role("button", name="Why is Often Example listed?")
    tooltip = page.get_by_role("tooltip")
    row = salon.client.get("/v1/portal/analytics/churn-predictions").json()["predictions"][0]
    share = f"{row['return_probability']:.0%}"
    expected: list[str | re.Pattern[str]] = [
        re.compile(r"^In “At Risk” since .*\. Last visit 110 days ago\.$"),
        "Risk: Inactivity: 110 days since the last completed appointment; counts above 90 days (+60%).",
        f"{share} likely to return within 90 days, after visits on 3 days in 150 days.",
        f"Priority: {share} × US$600.00 = US${row['expected_value']:.2f}",
    ]

    def expect_reasons() -> None:
        expect(tooltip.get_by_role("listitem")).to_have_text(expected)
        box = tooltip.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.evaluate("document.documentElement.clientWidth")

    button.hover()
    expect_reasons()
    page.mouse.move(0, 0)
    expect(tooltip).to_be_hidden()
    button.focus()
    expect_reasons()
    page.keyboard.press("Escape")
    expect(tooltip).to_be_hidden()
    assert button.evaluate("node => node === document.activeElement")
