"""Figures of the analytics view, as the page shows them and as the API returns them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

from tests.dashboard.conftest import Stack


def journey_analytics(stack: Stack, **view: str) -> dict[str, Any]:
    answer: dict[str, Any] = stack.request("GET", "/v1/portal/analytics/customer-journey", params=view)
    return answer


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def as_table(page: Page, title: str) -> Locator:
    """Switch a chart to its table, and return the table's rows without the header."""
    switch = card(page, title).get_by_role("switch", name=f"Show as table: {title}")
    if not switch.is_checked():
        switch.click()
    rows = card(page, title).locator("tbody tr")
    rows.first.wait_for()
    return rows


def cells(rows: Locator) -> list[list[str]]:
    texts: list[list[str]] = rows.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    return texts


def funnel_matches(rows: Locator, stack: Stack, period: str) -> bool:
    steps = journey_analytics(stack, period=period)["funnel_data"]
    return [row[1] for row in cells(rows)] == [f"{step['customers']:,}" for step in steps]
