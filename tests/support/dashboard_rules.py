"""Helpers that operate the editor of stages and rules."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Stack, Visit

NUMBER_OF_VALUE = "Number: lifetime value is"


class Company:
    """A company of its own, because its rules are changed."""

    def __init__(self, stack: Stack) -> None:
        self.url, (self.id, self.key) = stack.url, stack.create_company(f"Rules {uuid.uuid4().hex[:6]}")

    def request(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        response = httpx2.request(method, self.url + path, headers=headers, timeout=30, **options)
        assert response.status_code < 300, response.text
        return response.json()

    def visits(self, **amounts: str) -> None:
        """Let each customer have one visit of an amount, an hour ago."""
        at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        events = [
            {
                "id": f"visit-{name}",
                "type": "appointment.completed",
                "customer_id": name,
                "occurred_at": at,
                "amount": n,
            }
            for name, n in amounts.items()
        ]
        for event in events:
            self.request("POST", "/v1/events?wait=10", json=event)

    def put(self, version: int, change: Any, reason: str) -> None:
        stages = self.request("GET", "/v1/stages")["stages"]
        change({stage["stage_key"]: stage for stage in stages})
        body = {"stages": stages, "reason": reason}
        self.request("PUT", "/v1/stages", json=body, headers={"If-Match": f'"{version}"'})


def stage_card(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem", name=name, exact=True)


def open_details(card: Locator) -> None:
    card.get_by_text("Name, look and meaning").click()


def expect_changes(page: Page, *sentences: str | re.Pattern[str]) -> None:
    bar = page.get_by_role("region", name="Preview changes")
    toggle = bar.get_by_role("button", name=re.compile(r"^\d+ changes?$"))
    if bar.get_by_role("list").count() == 0:
        toggle.click()
    expect(bar.get_by_role("listitem")).to_have_text(list(sentences))


def undo(page: Page, times: int = 1) -> None:
    for _ in range(times):
        page.get_by_role("button", name="Undo").click()


def open_editor(visit: Visit, company: Company) -> Page:
    visit.sign_in(company.key, at="/stages")
    visit.page.get_by_role("button", name="Edit stages and rules").click()
    visit.page.get_by_role("heading", name="Edit stages and rules", level=1).wait_for()
    return visit.page


def preview(page: Page) -> None:
    page.get_by_role("button", name="Preview changes").click()
    page.get_by_role("heading", name="What happens when you apply").wait_for(timeout=60_000)


def apply(page: Page, reason: str) -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Apply", exact=True).click()
