"""One click on a call, an e-mail or an offer: what it asks, shows, refuses and undoes."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.dashboard.conftest import Visit
from tests.dashboard.test_action_centre import AT_RISK, call_tasks, search
from tests.support.dashboard_controls import visible_dialog, wait_for
from tests.support.dashboard_customers import finished_actions, list_actions, new_customer_at_risk


def test_one_click_creates_one_call_task(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.expected_errors = "409"
    name = f"Rea {uuid.uuid4().hex[:6]}"
    customer = new_customer_at_risk(stack, name)
    visit.sign_in(at=AT_RISK)
    row = search(page, customer, 1)
    row.get_by_role("button", name=f"Call: {name}").click()
    expect(page.get_by_text(f"Call task created for {name}")).to_be_visible()
    (task,) = wait_for(call_tasks, stack, customer)
    row.get_by_role("button", name=f"Call: {name}").click()
    expect(page.get_by_text(f"A call task for {name} is already open")).to_be_visible()
    page.get_by_role("button", name="Show task").click()
    page.wait_for_url(f"**/customers/{customer}#task-{task['id']}")
    expect(page.locator(".task.linked")).to_contain_text(task["title"])
    expect(page.locator(".task.linked")).to_be_in_viewport()
    assert len(call_tasks(stack, customer)) == 1


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, {"width": 390, "height": 844}])
def test_an_offer_asks_first_and_can_be_undone(make_visit: Callable[..., Visit], viewport: ViewportSize) -> None:
    visit = make_visit(viewport=viewport)
    page, stack = visit.page, visit.stack
    name = f"Ona {uuid.uuid4().hex[:6]}"
    customer = new_customer_at_risk(stack, name)
    visit.sign_in(at=AT_RISK)
    row = search(page, customer, 1)
    row.get_by_role("button", name=f"Offer: {name}").click()
    dialog = visible_dialog(page, f"Send this offer to {name}?")
    expect(dialog).to_contain_text(f"{customer}@example.com")
    expect(dialog).to_contain_text("BACK-······")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert list_actions(stack, customer, "centre_offer") == []

    row.get_by_role("button", name=f"Offer: {name}").click()
    visible_dialog(page, f"Send this offer to {name}?").get_by_role("button", name="Send offer").click()
    expect(page.get_by_text(f"The offer to {name} will be sent in a few seconds")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"The offer to {name} was not sent")).to_be_visible()
    (undone,) = list_actions(stack, customer, "centre_offer")
    assert (undone["status"], undone["attempts"]) == ("cancelled", 0)


@pytest.mark.parametrize(("button", "send"), [("E-mail", "Send e-mail"), ("Offer", "Send offer")])
def test_a_message_is_sent_even_if_the_page_is_closed(visit: Visit, button: str, send: str) -> None:
    page, stack = visit.page, visit.stack
    name = f"Mia {uuid.uuid4().hex[:6]}"
    customer = new_customer_at_risk(stack, name)
    visit.sign_in(at=AT_RISK)
    row = search(page, customer, 1)
    expect(row).not_to_contain_text("Contacted today")
    row.get_by_role("button", name=f"{button}: {name}").click()
    page.get_by_role("button", name=send).click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.goto("about:blank")
    action = "centre_" + button.lower().replace("-", "")
    (requested,) = list_actions(stack, customer, action)
    assert requested["status"] == "pending"
    (requested,) = wait_for(finished_actions, stack, customer, action)
    assert requested["status"] == "succeeded"
    visit.open(AT_RISK)
    expect(search(page, customer, 1)).to_contain_text("Contacted today")
