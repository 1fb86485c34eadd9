"""Open tasks: completing, undoing, reassigning, paging, and links to customers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import select_option, wait_for
from tests.support.dashboard_customers import list_tasks, new_prospect

PAGE_SIZE = 12  # tasks per page in the action centre


@pytest.fixture
def task(stack: Stack) -> dict[str, Any]:
    """An open call task that is due before all others."""
    customer = new_prospect(stack, "Tessa Task")
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "call"})
    (task,) = wait_for(list_tasks, stack, customer)
    stack.execute("update tasks set due_at = now() - interval '1 hour' where id = %s", task["id"])
    return task


def item(page: Page, task: dict[str, Any]) -> Locator:
    return page.get_by_role("list", name="Open tasks").get_by_role("listitem").filter(has_text=task["title"])


def status(stack: Stack, task: dict[str, Any]) -> str:
    (current,) = list_tasks(stack, task["customer_id"], "all")
    return str(current["status"])


def test_completing_a_task_can_be_undone(visit: Visit, task: dict[str, Any]) -> None:
    page, stack, title = visit.page, visit.stack, task["title"]
    visit.sign_in()
    expect(item(page, task)).to_contain_text("Overdue")
    item(page, task).get_by_role("button", name=f"Done: {title}").click()
    expect(item(page, task)).to_have_count(0)  # at once
    expect(page.get_by_text(f"“{title}” marked as done")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"“{title}” is open again")).to_be_visible()
    expect(item(page, task)).to_be_visible()
    assert status(stack, task) == "open"

    item(page, task).get_by_role("button", name=f"Done: {title}").press("Enter")
    expect(item(page, task)).to_have_count(0)
    assert status(stack, task) == "open"  # not sent yet
    wait_for(lambda: status(stack, task) == "done")  # sent after a few seconds
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(item(page, task)).to_have_count(0)


def test_leaving_the_page_completes_the_task_at_once(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.sign_in(at=f"/customers/{task['customer_id']}")
    item(page, task).get_by_role("button", name=f"Done: {task['title']}").click()
    expect(page.get_by_text("No open tasks")).to_be_visible()
    page.goto("about:blank")
    wait_for(lambda: status(visit.stack, task) == "done")


def test_a_task_that_cannot_be_completed_is_shown_again(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.expected_errors = "503"
    visit.sign_in()
    failing_route = f"**/v1/portal/tasks/{task['id']}/done"
    page.route(
        failing_route, lambda route: route.fulfill(status=503, json={"title": "Busy", "detail": "Later, please"})
    )
    item(page, task).get_by_role("button", name=f"Done: {task['title']}").click()
    expect(item(page, task)).to_have_count(0)
    expect(page.get_by_text(f"“{task['title']}” could not be marked as done")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("Later, please")).to_be_visible()
    expect(item(page, task)).to_be_visible()
    assert status(visit.stack, task) == "open"


def test_a_task_is_reassigned_and_unassigned(visit: Visit, task: dict[str, Any]) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in()
    others = [
        person["name"]
        for person in stack.request("GET", "/v1/portal/staff")["staff"]
        if person["is_active"] and person["id"] != task["assigned_to"]
    ]
    for name in (others[0], "Unassigned"):
        select_option(item(page, task), f"Assignee: {task['title']}", name)
        expect(page.get_by_text("Assignee changed").last).to_be_visible()
        expect(item(page, task)).to_contain_text(name)
        (current,) = list_tasks(stack, task["customer_id"])
        assert current["staff_name"] == (None if name == "Unassigned" else name)


def test_more_tasks_and_links_to_customers(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.sign_in()
    listed = page.get_by_role("list", name="Open tasks").get_by_role("listitem")
    expect(listed).to_have_count(PAGE_SIZE)
    page.get_by_role("region", name="Open tasks").get_by_role("button", name="Show more").click()
    expect(listed).to_have_count(2 * PAGE_SIZE)
    titles = listed.locator(".task-title").all_text_contents()
    api_tasks = visit.stack.request("GET", "/v1/portal/tasks", params={"limit": 3 * PAGE_SIZE})["tasks"]
    assert set(titles) <= {one["title"] for one in api_tasks}
    item(page, task).get_by_role("link", name="Tessa Task").click()
    page.wait_for_url(f"**/customers/{task['customer_id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Tessa Task$"))
    expect(item(page, task)).to_be_visible()
