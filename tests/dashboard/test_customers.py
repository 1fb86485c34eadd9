"""The list of all customers: found, filtered, sorted and paged as the gateway has them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import NARROW, Stack, Visit
from tests.support.controls import choose, names_in, until
from tests.support.people import somebody

PAGE = 50
FIND = "Find by name, id or e-mail"
SORTED = {
    "Customer": "name",
    "Stage": "stage_entered_at",
    "Inactive": "days_inactive",
    "Lifetime value": "lifetime_value",
    "Last appointment": "last_appointment_at",
    "Risk": "risk",
}


def answered(stack: Stack, **search: Any) -> tuple[list[str], int]:
    """The ids of the gateway's first page, and how many there are in all."""
    found = stack.ask("GET", "/v1/portal/relationships", params={"limit": PAGE, "count": True, **search})
    return [row["customer_id"] for row in found["relationships"]], found["total"]


def shows(page: Page, stack: Stack, **search: Any) -> bool:
    """Whether the page has the same customers in the same order as the gateway, and says how many there are."""
    names, total = answered(stack, **search)
    said = page.locator("main .result-count").text_content() or ""
    listed = names_in(page.locator("main"))
    return listed == names and said == f"{total:,} customer{'' if total == 1 else 's'}"


def opened(visit: Visit, path: str = "/customers") -> Page:
    visit.sign_in(at=path)
    visit.page.locator("main .result-count").wait_for()
    return visit.page


def listed_after(page: Page, before: list[str]) -> list[str]:
    """The customers of the page, as soon as they are others than before."""
    listed = names_in(page.locator("main"))
    return listed if listed != before else []


def test_somebody_is_found_by_name_id_and_address(visit: Visit) -> None:
    name = f"Nadja {uuid.uuid4().hex[:8]}"
    address = f"{uuid.uuid4().hex[:8]}@example.net"
    customer = somebody(visit.stack, name, email=address)
    page = opened(visit)
    for text in (name.upper(), customer, address):
        page.get_by_role("textbox", name=FIND).fill(text)
        expect(page).to_have_url(f"{visit.stack.url}/customers?{urlencode({'find': text})}")
        expect(page.get_by_text("1 customer", exact=True)).to_be_visible()
        until(lambda: names_in(page.locator("main")) == [customer])
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"**/customers/{customer}")
    page.go_back()  # to the same search
    expect(page.get_by_role("textbox", name=FIND)).to_have_value(address)
    until(lambda: names_in(page.locator("main")) == [customer])
    page.get_by_role("search").get_by_role("button").click()  # the cross in the field
    expect(page).to_have_url(f"{visit.stack.url}/customers")
    until(shows, page, visit.stack)


def test_stages_and_risk_filter(visit: Visit) -> None:
    page, stack = opened(visit), visit.stack
    choose(page, "Stage", "VIP Customer")
    until(shows, page, stack, stage=["vip"])
    page.locator(".ant-select-dropdown:visible").get_by_title("Lead", exact=True).click()
    until(shows, page, stack, stage=["vip", "lead"])
    page.locator(".ant-select-dropdown:visible").get_by_title("VIP Customer", exact=True).click()
    until(shows, page, stack, stage=["lead"])
    page.keyboard.press("Escape")

    choose(page, "Risk", "Medium (30–70%)")
    until(shows, page, stack, stage=["lead"], min_risk=0.3, max_risk=0.7)
    assert parse_qs(urlsplit(page.url).query) == {"stage": ["lead"], "risk": ["medium"]}
    page.reload()
    until(shows, page, stack, stage=["lead"], min_risk=0.3, max_risk=0.7)
    choose(page, "Risk", "High (over 70%)")
    until(shows, page, stack, stage=["lead"], min_risk=0.71)
    choose(page, "Risk", "Low (under 30%)")
    until(shows, page, stack, stage=["lead"], max_risk=0.29)
    choose(page, "Risk", "Any risk")
    until(shows, page, stack, stage=["lead"])
    page.get_by_role("search").locator(".ant-select-selection-item-remove").click()
    until(shows, page, stack)


def test_filters_that_find_nobody_are_cleared(visit: Visit) -> None:
    page = opened(visit, "/customers?find=nobody-is-called-so&risk=low&stage=vip")
    expect(page.get_by_text("No customer matches this")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(page).to_have_url(re.compile(r"/customers$"))
    until(shows, page, visit.stack)
    expect(page.get_by_role("textbox", name=FIND)).to_have_value("")


def test_columns_sort(visit: Visit) -> None:
    page, stack = opened(visit), visit.stack
    for column, key in SORTED.items():
        header = page.get_by_role("columnheader", name=column, exact=True)
        header.click()
        expect(header).to_have_attribute("aria-sort", "descending")
        until(shows, page, stack, sort=key)
    risk = page.get_by_role("columnheader", name="Risk")
    risk.click()
    expect(risk).to_have_attribute("aria-sort", "ascending")
    until(shows, page, stack, sort="risk", order="asc")
    expect(page).to_have_url(re.compile(r"/customers\?order=asc$"))  # a sort can be passed on


def test_pages_go_on_and_back(visit: Visit) -> None:
    stack, search = visit.stack, {"stage": ["vip", "churned"], "sort": "name", "order": "asc"}
    page = opened(visit, f"/customers?{urlencode(search, doseq=True)}")
    pages = page.get_by_role("navigation", name="Pages of customers")
    before, after = pages.get_by_role("button", name="Previous"), pages.get_by_role("button", name="Next")
    expect(before).to_be_disabled()
    listed = first = until(names_in, page.locator("main"))
    seen = set(first)
    number = 1
    while after.is_enabled():
        after.click()
        listed = until(listed_after, page, listed)
        seen |= set(listed)
        number += 1
        expect(pages).to_contain_text(f"Page {number} of ")
    _, total = answered(stack, **search)
    assert number == -(-len(seen) // PAGE) > 2
    assert abs(len(seen) - total) <= 2  # somebody may have come or gone meanwhile
    while before.is_enabled():
        before.click()
        listed = until(listed_after, page, listed)
    until(shows, page, stack, **search)


def test_a_company_without_customers_is_led_to_the_description_of_the_api(visit: Visit) -> None:
    page = visit.page
    _, key = visit.stack.company(f"Nobody {uuid.uuid4().hex[:6]}")
    visit.sign_in(key, at="/customers")
    expect(page.get_by_text("No customers yet")).to_be_visible()
    page.get_by_role("link", name="How events are sent").click()
    page.wait_for_url("**/docs")
    expect(page.locator("body")).to_contain_text("/v1/events")


def test_cards_of_a_narrow_window(visits: Callable[..., Visit]) -> None:
    visit = visits(viewport=NARROW)
    page, stack = opened(visit), visit.stack
    expect(page.get_by_role("list", name="Customers")).to_be_visible()
    for name, search in {
        "Name": {"sort": "name", "order": "asc"},
        "Longest inactive": {"sort": "days_inactive"},
        "Highest lifetime value": {"sort": "lifetime_value"},
        "Latest appointment": {"sort": "last_appointment_at"},
        "Latest change of stage": {"sort": "stage_entered_at"},
        "Next deadline": {"sort": "next_deadline", "order": "asc"},
        "Highest risk": {"sort": "risk"},
    }.items():
        choose(page, "Sort by", name)
        until(shows, page, stack, **search)
    (top, *_), _ = answered(stack)
    page.locator(f"a[href='/customers/{top}']").click()
    page.wait_for_url(f"**/customers/{top}")
