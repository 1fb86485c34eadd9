"""Tasks: completing, reopening, moving, commenting, reassigning, the lists, and links to customers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.dashboard.conftest import WIDE, Stack, Visit
from tests.support.dashboard_controls import select_option, wait_for
from tests.support.dashboard_customers import list_tasks, new_prospect

PHONE: ViewportSize = {"width": 390, "height": 844}
PAGE_SIZE = 12  # tasks per page in the action centre


@pytest.fixture
def task(stack: Stack) -> dict[str, Any]:
    """An open call task that is due before all others."""
    customer = new_prospect(stack, f"Tessa {uuid.uuid4().hex[:6]}")
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "call"})
    (task,) = wait_for(list_tasks, stack, customer)
    stack.execute("update tasks set due_at = now() - interval '1 hour' where id = %s", task["id"])
    return task


def item(page: Page, task: dict[str, Any], within: str = "Open tasks") -> Locator:
    return page.get_by_role("list", name=within).get_by_role("listitem").filter(has_text=task["title"])


def show(page: Page, tab: str) -> None:
    """Select one of the lists of tasks."""
    lists = page.get_by_role("region", name="Tasks").get_by_role("group", name="List")
    lists.get_by_role("button", name=tab).click()


def status(stack: Stack, task: dict[str, Any]) -> str:
    (current,) = list_tasks(stack, task["customer_id"], "all")
    return str(current["status"])


def test_completing_a_task_can_be_undone(visit: Visit, task: dict[str, Any]) -> None:
    page, stack, title = visit.page, visit.stack, task["title"]
    visit.sign_in()
    expect(item(page, task)).to_contain_text("Overdue")
    item(page, task).get_by_role("button", name=f"Done: {title}").click()
    expect(item(page, task)).to_have_count(0)
    expect(page.get_by_text(f"“{title}” marked as done")).to_be_visible()
    assert status(stack, task) == "done"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"“{title}” is open again")).to_be_visible()
    expect(item(page, task)).to_be_visible()
    assert status(stack, task) == "open"

    page.mouse.move(0, 0)  # a notification under the pointer stays
    item(page, task).get_by_role("button", name=f"Done: {title}").press("Enter")
    expect(item(page, task)).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0, timeout=20_000)
    assert status(stack, task) == "done"


def test_a_completed_task_is_listed_and_reopened(make_visit: Callable[..., Visit], task: dict[str, Any]) -> None:
    visit = make_visit(viewport=PHONE)
    page, stack, title = visit.page, visit.stack, task["title"]
    stack.request("POST", f"/v1/portal/tasks/{task['id']}/done")
    visit.sign_in()
    show(page, "Done")
    done = item(page, task, "Completed tasks")
    expect(done).to_contain_text("Done ")
    done.get_by_role("button", name=f"Reopen: {title}").click()
    expect(done).to_have_count(0)
    show(page, "Open")
    expect(item(page, task)).to_be_visible()
    assert status(stack, task) == "open"


def test_a_task_that_cannot_be_completed_stays_open(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.expected_errors = "503"
    visit.sign_in()
    failing_route = f"**/v1/portal/tasks/{task['id']}/done"
    page.route(
        failing_route, lambda route: route.fulfill(status=503, json={"title": "Busy", "detail": "Later, please"})
    )
    item(page, task).get_by_role("button", name=f"Done: {task['title']}").click()
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


def test_a_title_names_the_person_with_phone_number_and_reason(visit: Visit, stack: Stack) -> None:
    customer = new_prospect(stack, "Theo Title", phone="+49 30 7654321")
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "call", "note": "Ask about Friday"})
    (task,) = wait_for(list_tasks, stack, customer)
    visit.sign_in(at=f"/customers/{customer}")
    expect(item(visit.page, task)).to_contain_text("Call: Theo Title (+49 30 7654321) – no visit yet")
    expect(item(visit.page, task)).to_contain_text("Ask about Friday")


def test_a_task_is_moved_and_commented_on(make_visit: Callable[..., Visit], stack: Stack, task: dict[str, Any]) -> None:
    for viewport in (WIDE, PHONE):
        visit = make_visit(viewport=viewport)
        page, title = visit.page, task["title"]
        visit.sign_in(at=f"/customers/{task['customer_id']}")
        item(page, task).get_by_role("button", name=f"Move: {title}").click()
        page.get_by_label("New due time").fill("2020-01-01T10:00")
        page.get_by_role("button", name="Save date").click()
        expect(item(page, task)).to_contain_text("Enter a time in the future")
        later = datetime.now(UTC) + timedelta(days=viewport["width"] // 100)
        page.get_by_label("New due time").fill(f"{later:%Y-%m-%dT%H:%M}")
        page.get_by_role("button", name="Save date").click()
        expect(item(page, task)).to_contain_text(f"Due in {viewport['width'] // 100 - 1} days")
        (moved,) = list_tasks(stack, task["customer_id"])
        assert moved["due_at"].startswith(f"{later:%Y-%m-%dT%H:%M}")  # the browser's time zone is UTC

        item(page, task).get_by_role("button", name=f"Comment: {title}").click()
        page.get_by_role("button", name="Add comment").click()
        expect(item(page, task)).to_contain_text("Enter a comment")
        text = f"No answer at {viewport['width']}"
        page.get_by_role("textbox", name="Comment").fill(text)
        page.get_by_role("button", name="Add comment").click()
        comments = page.get_by_role("list", name=f"Comments: {title}")
        expect(comments.get_by_role("listitem").last).to_contain_text(re.compile(f"^first key, .*{text}$"))
    (commented,) = list_tasks(stack, task["customer_id"])
    assert len(commented["comments"]) == 2


def test_my_tasks_and_overdue_tasks(visit: Visit, task: dict[str, Any]) -> None:
    page, stack = visit.page, visit.stack
    person = next(one for one in stack.request("GET", "/v1/portal/staff")["staff"] if one["is_active"])
    stack.request("POST", f"/v1/portal/tasks/{task['id']}/assign", json={"staff_id": person["id"]})
    visit.sign_in()
    show(page, "Overdue")
    expect(item(page, task, "Overdue tasks")).to_be_visible()
    show(page, "Mine")
    expect(page.get_by_text("Select your name to see the tasks")).to_be_visible()
    select_option(page, "Your name", person["name"])
    expect(item(page, task, "My tasks")).to_be_visible()
    page.reload()  # the browser remembers who it is
    show(page, "Mine")
    expect(item(page, task, "My tasks")).to_be_visible()
    stack.request("POST", f"/v1/portal/tasks/{task['id']}/assign", json={"staff_id": None})
    expect(item(page, task, "My tasks")).to_have_count(0)


def test_more_tasks_and_links_to_customers(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.sign_in()
    listed = page.get_by_role("list", name="Open tasks").get_by_role("listitem")
    expect(listed).to_have_count(PAGE_SIZE)
    page.get_by_role("region", name="Tasks").get_by_role("button", name="Show more").click()
    expect(listed).to_have_count(2 * PAGE_SIZE)
    titles = listed.locator(".task-title").all_text_contents()
    api_tasks = visit.stack.request("GET", "/v1/portal/tasks", params={"limit": 3 * PAGE_SIZE})["tasks"]
    assert set(titles) <= {one["title"] for one in api_tasks}
    item(page, task).get_by_role("link", name=task["customer_name"]).click()
    page.wait_for_url(f"**/customers/{task['customer_id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(task["customer_name"])
    expect(item(page, task)).to_be_visible()
