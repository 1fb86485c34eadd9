"""Open tasks: done, taken back, given to somebody else, read on, and the way to whom they are about."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.controls import choose, until
from tests.support.people import somebody, tasks

SOME = 12  # tasks that the action centre has at first


@pytest.fixture
def task(stack: Stack) -> dict[str, Any]:
    """An open task to call somebody, due before all others."""
    customer = somebody(stack, "Tessa Task")
    stack.ask("POST", f"/v1/customers/{customer}/actions", json={"type": "call"})
    (made,) = until(tasks, stack, customer)
    stack.execute("update tasks set due_at = now() - interval '1 hour' where id = %s", made["id"])
    return made


def item(page: Page, task: dict[str, Any]) -> Locator:
    return page.get_by_role("list", name="Open tasks").get_by_role("listitem").filter(has_text=task["title"])


def status(stack: Stack, task: dict[str, Any]) -> str:
    (found,) = tasks(stack, task["customer_id"], "all")
    return str(found["status"])


def test_a_task_is_done_unless_it_is_taken_back(visit: Visit, task: dict[str, Any]) -> None:
    page, stack, title = visit.page, visit.stack, task["title"]
    visit.sign_in()
    expect(item(page, task)).to_contain_text("Overdue")
    item(page, task).get_by_role("button", name=f"Done: {title}").click()
    expect(item(page, task)).to_have_count(0)  # at once
    expect(page.get_by_text(f"“{title}” is done.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"“{title}” is open again.")).to_be_visible()
    expect(item(page, task)).to_be_visible()
    assert status(stack, task) == "open"

    item(page, task).get_by_role("button", name=f"Done: {title}").press("Enter")
    expect(item(page, task)).to_have_count(0)
    assert status(stack, task) == "open"  # it can still be taken back
    until(lambda: status(stack, task) == "done")  # some seconds later, it cannot
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(item(page, task)).to_have_count(0)


def test_who_leaves_the_page_meant_it(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.sign_in(at=f"/customers/{task['customer_id']}")
    item(page, task).get_by_role("button", name=f"Done: {task['title']}").click()
    expect(page.get_by_text("No open tasks")).to_be_visible()
    page.goto("about:blank")
    until(lambda: status(visit.stack, task) == "done")


def test_a_task_that_somebody_else_took_away_is_shown_again(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.expected = "503"
    visit.sign_in()
    refused = f"**/v1/portal/tasks/{task['id']}/done"
    page.route(refused, lambda route: route.fulfill(status=503, json={"title": "Busy", "detail": "Later, please"}))
    item(page, task).get_by_role("button", name=f"Done: {task['title']}").click()
    expect(item(page, task)).to_have_count(0)
    expect(page.get_by_text(f"“{task['title']}” could not be marked as done")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("Later, please")).to_be_visible()
    expect(item(page, task)).to_be_visible()
    assert status(visit.stack, task) == "open"


def test_a_task_is_given_to_somebody_else_and_to_nobody(visit: Visit, task: dict[str, Any]) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in()
    others = [
        person["name"]
        for person in stack.ask("GET", "/v1/portal/staff")["staff"]
        if person["is_active"] and person["id"] != task["assigned_to"]
    ]
    for name in (others[0], "Nobody"):
        choose(item(page, task), f"Who does it: {task['title']}", name)
        expect(page.get_by_text("The task has a new owner.").last).to_be_visible()
        expect(item(page, task)).to_contain_text(name)
        (found,) = tasks(stack, task["customer_id"])
        assert found["staff_name"] == (None if name == "Nobody" else name)


def test_more_tasks_and_whom_they_are_about(visit: Visit, task: dict[str, Any]) -> None:
    page = visit.page
    visit.sign_in()
    listed = page.get_by_role("list", name="Open tasks").get_by_role("listitem")
    expect(listed).to_have_count(SOME)
    page.get_by_role("region", name="Open tasks").get_by_role("button", name="Show more").click()
    expect(listed).to_have_count(2 * SOME)
    titles = listed.locator(".task-title").all_text_contents()
    known = visit.stack.ask("GET", "/v1/portal/tasks", params={"limit": 3 * SOME})["tasks"]
    assert set(titles) <= {one["title"] for one in known}
    item(page, task).get_by_role("link", name="Tessa Task").click()
    page.wait_for_url(f"**/customers/{task['customer_id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Tessa Task$"))
    expect(item(page, task)).to_be_visible()
