"""Action centre: search, sorting, paging and selection of customers at risk; actions for one or many of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import NARROW, Stack, Visit
from tests.support.dashboard_controls import customer_ids_in, select_option, visible_dialog, wait_for
from tests.support.dashboard_customers import finished_actions, list_actions, list_tasks, new_customer_at_risk

PAGE = 20
SORT_COLUMNS = {
    "Inactive": "days_inactive",
    "Lifetime value": "lifetime_value",
    "Return probability": "return_probability",
    "Predicted churn": "predicted_churn_date",
    "Risk": "risk_score",
}
AT_RISK = "/action-centre?list=risk"
SEARCH = "Search these customers by name, phone, e-mail or ID"


@pytest.fixture
def family(stack: Stack) -> tuple[str, list[str]]:
    """A unique family name, and three customers at risk who have it."""
    name = f"Kin{uuid.uuid4().hex[:6]}"
    return name, [new_customer_at_risk(stack, f"{first} {name}") for first in ("Ada", "Bea", "Cleo")]


def predictions(stack: Stack) -> list[dict[str, Any]]:
    path = "/v1/portal/analytics/churn-predictions?limit=1000"
    rows: list[dict[str, Any]] = stack.request("GET", path)["predictions"]
    return rows


def listing(page: Page) -> Locator:
    return page.get_by_role("region", name="Customers at risk")


def call_tasks(stack: Stack, customer: str) -> list[dict[str, Any]]:
    """Return the customer's call tasks."""
    return [task for task in list_tasks(stack, customer) if task["kind"] == "personal_call"]


def search(page: Page, text: str, count: int) -> Locator:
    """Search for a text, and return the matching rows."""
    page.get_by_role("textbox", name=SEARCH).fill(text)
    rows = listing(page).locator("tbody tr.ant-table-row, li.row-card")
    expect(rows).to_have_count(count)
    return rows


def test_search_finds_customers_at_risk(visit: Visit, family: tuple[str, list[str]]) -> None:
    page = visit.page
    name, (ada, bea, cleo) = family
    visit.sign_in(at=AT_RISK)
    search(page, name.upper(), 3)
    assert set(customer_ids_in(listing(page))) == {ada, bea, cleo}
    expect(search(page, bea, 1).locator(".stage-tag")).to_have_text("At Risk")
    search(page, f"{cleo}@example.com", 1)
    assert customer_ids_in(listing(page)) == [cleo]
    search(page, f"{name} ádà", 1)  # in another order, with other accents
    assert customer_ids_in(listing(page)) == [ada]
    search(page, "no such name", 0)
    expect(page.get_by_text("No matching customers")).to_be_visible()
    page.get_by_role("search").get_by_role("button").click()  # clear the search
    expect(listing(page).locator("tbody tr.ant-table-row")).to_have_count(PAGE)
    search(page, ada, 1).get_by_role("link", name=f"Ada {name}").click()
    page.wait_for_url(f"**/customers/{ada}")


def test_sorting_by_column(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at=AT_RISK)
    listing(page).get_by_role("columnheader").first.wait_for()
    for column, key in SORT_COLUMNS.items():
        header = listing(page).get_by_role("columnheader", name=column)
        for order in ("descending", "ascending"):
            header.click()
            expect(header).to_have_attribute("aria-sort", order)
            wait_for(first_by, page, visit.stack, key, order)


def first_by(page: Page, stack: Stack, key: str, order: str) -> bool:
    """Whether the page shows the first values in this order; ties may be in any order."""
    values_by_id = {row["customer_id"]: row[key] for row in predictions(stack)}
    values = sorted((value for value in values_by_id.values() if value is not None), reverse=order == "descending")
    return [values_by_id.get(customer) for customer in customer_ids_in(listing(page))] == values[:PAGE]


def test_paging_through_customers_at_risk(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at=AT_RISK)
    pages = listing(page).get_by_role("navigation", name="Pages of customers")
    status = pages.get_by_role("status")
    expect(status).to_contain_text("Page 1 of ")
    expect(pages.get_by_role("button", name="Previous")).to_be_disabled()
    first = customer_ids_in(listing(page))
    assert len(first) == PAGE
    pages.get_by_role("button", name="Next").click()
    expect(status).to_contain_text("Page 2 of ")
    second = customer_ids_in(listing(page))
    assert not set(first) & set(second)
    pages.get_by_role("button", name="Next").click()
    assert not (set(first) | set(second)) & set(wait_for(lambda: set(customer_ids_in(listing(page))) - set(second)))
    for _ in range(2):
        pages.get_by_role("button", name="Previous").click()
    wait_for(lambda: len(set(first) & set(customer_ids_in(listing(page)))) > PAGE // 2)


def test_bulk_call_of_all_selected_customers(visit: Visit, family: tuple[str, list[str]]) -> None:
    """One request fails at first: the dialog names the customer, and retries only that one."""
    page, stack = visit.page, visit.stack
    visit.expected_errors = "503"
    name, customers = family
    visit.sign_in(at=AT_RISK)
    search(page, name, 3)
    page.get_by_role("checkbox", name="Select all on this page").check()
    toolbar = page.get_by_role("region", name="3 customers selected")
    expect(toolbar.get_by_role("status")).to_have_text("3 customers selected")

    toolbar.get_by_role("button", name="Call: 3 customers selected").click()
    confirmation = visible_dialog(page, "Call: 3 customers?")
    expect(confirmation).to_contain_text("This creates a call task for each of them.")
    confirmation.get_by_role("button", name="Cancel").click()
    expect(confirmation).to_be_hidden()
    expect(toolbar).to_be_visible()  # they stay selected
    assert not any(list_actions(stack, customer, "centre_call") for customer in customers)

    failing_route = f"**/v1/customers/{customers[1]}/actions"
    page.route(
        failing_route, lambda route: route.fulfill(status=503, json={"title": "Busy", "detail": "Later, please"})
    )
    toolbar.get_by_role("button", name="Call: 3 customers selected").click()
    confirmation.get_by_role("button", name="Call 3", exact=True).click()
    outcome = confirmation.get_by_role("status")
    expect(outcome).to_contain_text("Requested for 2 customers")
    expect(outcome).to_contain_text("Failed for 1 customer")
    expect(outcome).to_contain_text(f"Bea {name}: Later, please")
    page.unroute(failing_route)
    confirmation.get_by_role("button", name="Retry failed").click()
    expect(outcome).to_contain_text("Requested for 3 customers")
    expect(outcome).not_to_contain_text("Failed for")
    confirmation.get_by_role("button", name="Close").last.click()
    expect(confirmation).to_be_hidden()
    expect(toolbar).to_be_hidden()  # completing the action clears the selection
    assert [len(list_actions(stack, customer, "centre_call")) for customer in customers] == [1, 1, 1]
    for customer in customers:
        wait_for(call_tasks, stack, customer)


def test_bulk_e_mail_and_offer_for_some_customers(visit: Visit, family: tuple[str, list[str]]) -> None:
    page, stack = visit.page, visit.stack
    name, (ada, bea, cleo) = family
    visit.sign_in(at=AT_RISK)
    search(page, name, 3)
    for button, action in {"E-mail": "centre_email", "Offer": "centre_offer"}.items():
        for first in ("Ada", "Bea", "Cleo"):
            page.get_by_role("checkbox", name=f"Select {first} {name}").check()
        page.get_by_role("checkbox", name=f"Select Cleo {name}").uncheck()
        page.get_by_role("button", name=f"{button}: 2 customers selected").click()
        modal = visible_dialog(page, f"{button}: 2 customers?")
        modal.get_by_role("button", name=f"{button} 2", exact=True).click()
        expect(modal).to_contain_text("Requested for 2 customers")
        page.keyboard.press("Escape")
        expect(modal).to_be_hidden()
        expect(page.get_by_text("2 customers selected")).to_have_count(0)
        for customer in (ada, bea):
            requested = wait_for(finished_actions, stack, customer, action)
            assert [one["status"] for one in requested] == ["succeeded"]
        assert list_actions(stack, cleo, action) == []


def test_selection_is_kept_across_pages_and_cleared(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at=AT_RISK)
    boxes = listing(page).get_by_role("checkbox", name=re.compile("^Select (?!all)"))
    boxes.first.check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Page 2 of ")).to_be_visible()
    boxes.first.check()
    expect(page.get_by_text("2 customers selected")).to_be_visible()
    page.get_by_role("button", name="Clear selection").click()
    expect(page.get_by_text("2 customers selected")).to_have_count(0)
    expect(boxes.first).not_to_be_checked()


def test_a_running_bulk_action_cannot_be_started_twice(visit: Visit, family: tuple[str, list[str]]) -> None:
    """While it runs, the dialog has no buttons, cannot be closed and shows the progress."""
    page, stack = visit.page, visit.stack
    name, customers = family
    visit.sign_in(at=AT_RISK)
    search(page, name, 3)
    page.get_by_role("checkbox", name="Select all on this page").check()
    pending: list[Route] = []
    page.route("**/v1/customers/*/actions", lambda route: pending.append(route))
    page.get_by_role("button", name="Offer: 3 customers selected").click()
    confirmation = visible_dialog(page, "Offer: 3 customers?")
    confirmation.get_by_role("button", name="Offer 3", exact=True).click()
    expect(confirmation.get_by_role("progressbar", name="Offer")).to_contain_text("0 of 3")
    expect(confirmation.get_by_role("button")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(confirmation).to_be_visible()
    for route in pending:
        route.continue_()
    expect(confirmation).to_contain_text("Requested for 3 customers")
    assert [len(list_actions(stack, customer, "centre_offer")) for customer in customers] == [1, 1, 1]


def test_cards_in_a_narrow_window(make_visit: Callable[..., Visit], family: tuple[str, list[str]]) -> None:
    """360 px: sorting by a select, bulk e-mail, a call from a card, and completing its task."""
    visit = make_visit(viewport=NARROW)
    page, stack = visit.page, visit.stack
    name, (ada, *_) = family
    visit.sign_in(at=AT_RISK)
    select_option(page, "Sort by", "Lifetime value")
    wait_for(
        lambda: (
            customer_ids_in(listing(page))[:1]
            == [max(predictions(stack), key=lambda row: float(row["lifetime_value"]))["customer_id"]]
        )
    )
    search(page, name, 3)
    page.get_by_role("checkbox", name=f"Select Ada {name}").check()
    page.get_by_role("button", name="E-mail: 1 customer selected").click()
    confirmation = visible_dialog(page, "E-mail: 1 customer?")
    confirmation.get_by_role("button", name="E-mail 1", exact=True).click()
    expect(confirmation).to_contain_text("Requested for 1 customer")
    confirmation.get_by_role("button", name="Close").last.click()
    assert len(list_actions(stack, ada, "centre_email")) == 1

    page.get_by_role("button", name=f"Call: Ada {name}").click()
    expect(page.get_by_text(f"Call task created for Ada {name}")).to_be_visible()
    (task,) = wait_for(call_tasks, stack, ada)
    page.get_by_role("link", name=f"Ada {name}").first.click()
    page.wait_for_url(f"**/customers/{ada}")
    page.get_by_role("button", name=f"Done: {task['title']}", exact=True).click()
    wait_for(lambda: task["id"] in [done["id"] for done in list_tasks(stack, ada, "done")])
