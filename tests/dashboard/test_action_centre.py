"""The action centre: finding, sorting, paging and selecting who is at risk; what is asked for, for one or for many."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import NARROW, Stack, Visit
from tests.support.controls import choose, dialog, names_in, until
from tests.support.people import actions, settled, somebody_at_risk, tasks

PAGE = 20
SORTED = {
    "Inactive": "days_inactive",
    "Lifetime value": "lifetime_value",
    "Return probability": "return_probability",
    "Predicted churn": "predicted_churn_date",
    "Risk": "risk_score",  # by which it is sorted at first, so that a press goes back to the highest
}
FIND = "Find at-risk customers by name, id or e-mail"


@pytest.fixture
def family(stack: Stack) -> tuple[str, list[str]]:
    """A name that nobody else has, and three at-risk customers with it."""
    name = f"Kin{uuid.uuid4().hex[:6]}"
    return name, [somebody_at_risk(stack, f"{first} {name}") for first in ("Ada", "Bea", "Cleo")]


def predictions(stack: Stack) -> list[dict[str, Any]]:
    path = "/v1/portal/analytics/churn-predictions?limit=1000"
    found: list[dict[str, Any]] = stack.ask("GET", path)["predictions"]
    return found


def listing(page: Page) -> Locator:
    return page.get_by_role("region", name="Customers at risk")


def called(stack: Stack, customer: str) -> list[dict[str, Any]]:
    """The tasks to call that somebody asked for."""
    return [task for task in tasks(stack, customer) if task["kind"] == "personal_call"]


def found(page: Page, text: str, count: int) -> Locator:
    """The rows that are left when one has looked for a text."""
    page.get_by_role("textbox", name=FIND).fill(text)
    rows = listing(page).locator("tbody tr.ant-table-row, li.row-card")
    expect(rows).to_have_count(count)
    return rows


def test_who_is_at_risk_is_found(visit: Visit, family: tuple[str, list[str]]) -> None:
    page = visit.page
    name, (ada, bea, cleo) = family
    visit.sign_in()
    found(page, name.upper(), 3)
    assert set(names_in(listing(page))) == {ada, bea, cleo}
    found(page, bea, 1)
    found(page, f"{cleo}@example.com", 1)
    assert names_in(listing(page)) == [cleo]
    found(page, "nobody is called so", 0)
    expect(page.get_by_text("Nobody at risk matches this")).to_be_visible()
    page.get_by_role("search").get_by_role("button").click()  # the cross in the field
    expect(listing(page).locator("tbody tr.ant-table-row")).to_have_count(PAGE)
    found(page, ada, 1).get_by_role("link", name=f"Ada {name}").click()
    page.wait_for_url(f"**/customers/{ada}")


def test_columns_sort(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    listing(page).get_by_role("columnheader").first.wait_for()
    for column, key in SORTED.items():
        header = listing(page).get_by_role("columnheader", name=column)
        for order in ("descending", "ascending"):
            header.click()
            expect(header).to_have_attribute("aria-sort", order)
            until(first_by, page, visit.stack, key, order)


def first_by(page: Page, stack: Stack, key: str, order: str) -> bool:
    """Whether the page's values are the first ones of all in this order; equals may stand in any."""
    known = {row["customer_id"]: row[key] for row in predictions(stack)}
    values = sorted((value for value in known.values() if value is not None), reverse=order == "descending")
    return [known.get(customer) for customer in names_in(listing(page))] == values[:PAGE]


def test_pages_of_the_at_risk(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    pages = listing(page).get_by_role("navigation", name="Pages of customers")
    status = pages.get_by_role("status")
    expect(status).to_contain_text("Page 1 of ")
    expect(pages.get_by_role("button", name="Previous")).to_be_disabled()
    first = names_in(listing(page))
    assert len(first) == PAGE
    pages.get_by_role("button", name="Next").click()
    expect(status).to_contain_text("Page 2 of ")
    second = names_in(listing(page))
    assert not set(first) & set(second)
    pages.get_by_role("button", name="Next").click()
    assert not (set(first) | set(second)) & set(until(lambda: set(names_in(listing(page))) - set(second)))
    for _ in range(2):
        pages.get_by_role("button", name="Previous").click()
    until(lambda: len(set(first) & set(names_in(listing(page)))) > PAGE // 2)


def test_what_is_recommended_is_asked_for(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    name = f"Rea {uuid.uuid4().hex[:6]}"
    customer = somebody_at_risk(stack, name)
    visit.sign_in()
    row = found(page, customer, 1)
    said = {
        "Call": f"A task to call {name} is being made.",
        "E-mail": f"An e-mail to {name} is on its way",
        "Offer": f"An offer to {name} is on its way",
    }
    for button, action in {"Call": "call", "E-mail": "email", "Offer": "offer"}.items():
        row.get_by_role("button", name=f"{button}: {name}").click()
        expect(page.get_by_text(said[button])).to_be_visible()
        (asked,) = until(settled, stack, customer, f"centre_{action}")
        assert asked["status"] == "succeeded"
    assert len(called(stack, customer)) == 1


def test_all_who_are_selected_are_called(visit: Visit, family: tuple[str, list[str]]) -> None:
    """One of them cannot be asked for at first: it is said for whom, and tried again for that one alone."""
    page, stack = visit.page, visit.stack
    visit.expected = "503"
    name, customers = family
    visit.sign_in()
    found(page, name, 3)
    page.get_by_role("checkbox", name="Select all on this page").check()
    chosen = page.get_by_role("region", name="3 customers selected")
    expect(chosen.get_by_role("status")).to_have_text("3 customers selected")

    chosen.get_by_role("button", name="Call: 3 customers selected").click()
    asked = dialog(page, "Call: 3 customers?")
    expect(asked).to_contain_text("Each of them gets a task to be called.")
    asked.get_by_role("button", name="Cancel").click()
    expect(asked).to_be_hidden()
    expect(chosen).to_be_visible()  # they stay selected
    assert not any(actions(stack, customer, "centre_call") for customer in customers)

    refused = f"**/v1/customers/{customers[1]}/actions"
    page.route(refused, lambda route: route.fulfill(status=503, json={"title": "Busy", "detail": "Later, please"}))
    chosen.get_by_role("button", name="Call: 3 customers selected").click()
    asked.get_by_role("button", name="Call 3", exact=True).click()
    outcome = asked.get_by_role("status")
    expect(outcome).to_contain_text("Asked for 2 customers.")
    expect(outcome).to_contain_text("Not for 1 customer:")
    expect(outcome).to_contain_text(f"Bea {name}: Later, please")
    page.unroute(refused)
    asked.get_by_role("button", name="Try the failed ones again").click()
    expect(outcome).to_contain_text("Asked for 3 customers.")
    expect(outcome).not_to_contain_text("Not for")
    asked.get_by_role("button", name="Close").last.click()
    expect(asked).to_be_hidden()
    expect(chosen).to_be_hidden()  # what was selected is done
    assert [len(actions(stack, customer, "centre_call")) for customer in customers] == [1, 1, 1]
    for customer in customers:
        until(called, stack, customer)


def test_some_are_written_to(visit: Visit, family: tuple[str, list[str]]) -> None:
    page, stack = visit.page, visit.stack
    name, (ada, bea, cleo) = family
    visit.sign_in()
    found(page, name, 3)
    for button, action in {"E-mail": "centre_email", "Offer": "centre_offer"}.items():
        for first in ("Ada", "Bea", "Cleo"):
            page.get_by_role("checkbox", name=f"Select {first} {name}").check()
        page.get_by_role("checkbox", name=f"Select Cleo {name}").uncheck()
        page.get_by_role("button", name=f"{button}: 2 customers selected").click()
        modal = dialog(page, f"{button}: 2 customers?")
        modal.get_by_role("button", name=f"{button} 2", exact=True).click()
        expect(modal).to_contain_text("Asked for 2 customers.")
        page.keyboard.press("Escape")
        expect(modal).to_be_hidden()
        expect(page.get_by_text("2 customers selected")).to_have_count(0)
        for customer in (ada, bea):
            asked = until(settled, stack, customer, action)
            assert [one["status"] for one in asked] == ["succeeded"]
        assert actions(stack, cleo, action) == []


def test_a_selection_is_kept_from_page_to_page_and_cleared(visit: Visit) -> None:
    page = visit.page
    visit.sign_in()
    boxes = listing(page).get_by_role("checkbox", name=re.compile("^Select (?!all)"))
    boxes.first.check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Page 2 of ")).to_be_visible()
    boxes.first.check()
    expect(page.get_by_text("2 customers selected")).to_be_visible()
    page.get_by_role("button", name="Clear selection").click()
    expect(page.get_by_text("2 customers selected")).to_have_count(0)
    expect(boxes.first).not_to_be_checked()


def test_nobody_is_asked_for_twice_by_a_dialog_that_is_open(visit: Visit, family: tuple[str, list[str]]) -> None:
    """While it runs there is no button to press and no way out; what is under way is seen."""
    page, stack = visit.page, visit.stack
    name, customers = family
    visit.sign_in()
    found(page, name, 3)
    page.get_by_role("checkbox", name="Select all on this page").check()
    held: list[Route] = []
    page.route("**/v1/customers/*/actions", lambda route: held.append(route))
    page.get_by_role("button", name="Offer: 3 customers selected").click()
    asked = dialog(page, "Offer: 3 customers?")
    asked.get_by_role("button", name="Offer 3", exact=True).click()
    expect(asked.get_by_role("progressbar", name="Offer")).to_contain_text("0 of 3")
    expect(asked.get_by_role("button")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(asked).to_be_visible()
    for route in held:
        route.continue_()
    expect(asked).to_contain_text("Asked for 3 customers.")
    assert [len(actions(stack, customer, "centre_offer")) for customer in customers] == [1, 1, 1]


def test_cards_of_a_narrow_window(visits: Callable[..., Visit], family: tuple[str, list[str]]) -> None:
    """360 px: sorted by a select; somebody is selected and called from the cards, and the task is done."""
    visit = visits(viewport=NARROW)
    page, stack = visit.page, visit.stack
    name, (ada, *_) = family
    visit.sign_in()
    choose(page, "Sort by", "Lifetime value")
    until(
        lambda: (
            names_in(listing(page))[:1]
            == [max(predictions(stack), key=lambda row: float(row["lifetime_value"]))["customer_id"]]
        )
    )
    found(page, name, 3)
    page.get_by_role("checkbox", name=f"Select Ada {name}").check()
    page.get_by_role("button", name="E-mail: 1 customer selected").click()
    asked = dialog(page, "E-mail: 1 customer?")
    asked.get_by_role("button", name="E-mail 1", exact=True).click()
    expect(asked).to_contain_text("Asked for 1 customer.")
    asked.get_by_role("button", name="Close").last.click()
    assert len(actions(stack, ada, "centre_email")) == 1

    page.get_by_role("button", name=f"Call: Ada {name}").click()
    expect(page.get_by_text(f"A task to call Ada {name} is being made.")).to_be_visible()
    (made,) = until(called, stack, ada)
    page.get_by_role("link", name=f"Ada {name}").first.click()
    page.wait_for_url(f"**/customers/{ada}")
    page.get_by_role("button", name=f"Done: {made['title']}", exact=True).click()
    page.goto("about:blank")  # who leaves meant it
    until(lambda: made["id"] in [task["id"] for task in tasks(stack, ada, "done")])
