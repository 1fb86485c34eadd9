"""Previews of changed rules, applying them, and conflicts with another editor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import WIDE, Stack, Visit
from tests.dashboard.test_views import SCHEMES, assert_no_violations
from tests.support.dashboard_controls import select_option, visible_dialog
from tests.support.dashboard_rules import (
    NUMBER_OF_VALUE,
    Company,
    apply,
    open_details,
    open_editor,
    preview,
    stage_card,
)

PHONE = {"width": 390, "height": 800}


@pytest.fixture
def company(stack: Stack) -> Company:
    return Company(stack)


def test_preview_and_apply(visit: Visit, company: Company) -> None:
    company.visits(ada="600", ben="100", cem="700")
    page = open_editor(visit, company)
    stage_card(page, "VIP Customer").get_by_label(NUMBER_OF_VALUE).fill("500")
    preview(page)
    expect(page.get_by_text("2 customers move to another stage, of 3.")).to_be_visible()
    expect(page.get_by_role("list", name="Moves between stages")).to_contain_text("2Customer→ToVIP Customer")
    expect(page.get_by_role("region", name="If actions run")).to_contain_text("VIP benefits e-mail")
    affected = page.get_by_role("region", name="Affected customers")
    expect(affected.get_by_role("link", name=re.compile("^(ada|cem)$"))).to_have_count(2)
    affected.get_by_label("Search affected customers").fill("cem")
    expect(affected.get_by_role("link", name="ada")).to_have_count(0)
    with page.expect_download() as download:
        affected.get_by_role("link", name="Download CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["customer_id", "cem"]
    past = page.get_by_role("region", name="The past under both rules")
    expect(past.get_by_role("row", name=re.compile("Customer → VIP Customer"))).to_contain_text("+2")
    expect(page.get_by_role("img", name=re.compile("^(Today's|New) rules"))).to_have_count(2)
    select_option(past, "Compare", "the last 90 days")
    expect(page.get_by_text("2 customers move to another stage, of 3.")).to_be_visible(timeout=60_000)

    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_label("Reason")).to_have_accessible_description("Enter a reason.")
    apply(page, "More customers deserve it")
    page.get_by_role("heading", name="Roll-out of version 2", level=1).wait_for()
    expect(page.get_by_text("2 of 2 moves happened as previewed.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()
    assert_no_violations(page)


def test_conflict_with_another_editor(visit: Visit, company: Company) -> None:
    visit.expected_errors = "412"
    page = open_editor(visit, company)
    stage_card(page, "VIP Customer").get_by_label(NUMBER_OF_VALUE).fill("500")
    preview(page)
    company.put(1, lambda stages: stages["lead"].update(stage_name="Prospective"), "A better name")
    apply(page, "Mine")
    dialog = visible_dialog(page, "Somebody else has changed the rules")
    expect(dialog).to_contain_text(re.compile(r"Version 2 was applied by access key \d+ on .* Reason: A better name"))
    expect(dialog).to_contain_text("Lead is renamed to Prospective.")
    expect(dialog).to_contain_text(re.compile("VIP Customer: .* becomes .*500.00”"))
    dialog.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_text("Prospective is renamed to Lead.")).to_be_visible(timeout=60_000)
    page.get_by_role("heading", name="What happens when you apply").wait_for(timeout=60_000)

    company.put(2, lambda stages: stages["lead"].update(stage_name="Interested"), "Even better")
    apply(page, "Mine again")
    visible_dialog(page, "Somebody else has changed the rules").get_by_role("button", name="Take theirs").click()
    expect(stage_card(page, "Interested")).to_be_visible()
    expect(page.get_by_text("No changes")).to_be_visible()
    assert company.request("GET", "/v1/stages")["version"] == 3


def test_accessible_on_every_screen(visit: Visit, company: Company) -> None:
    company.visits(ada="600")
    page = open_editor(visit, company)
    vip = stage_card(page, "VIP Customer")
    open_details(vip)
    page.get_by_role("heading", name="Scores").click()
    vip.get_by_label(NUMBER_OF_VALUE).fill("")
    page.get_by_role("button", name="Preview changes").click()
    check_accessibility(page)
    vip.get_by_label(NUMBER_OF_VALUE).fill("500")
    preview(page)
    check_accessibility(page)


def check_accessibility(page: Page) -> None:
    for size, schemes in ((WIDE, SCHEMES), (PHONE, SCHEMES[:1])):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            assert_no_violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.set_viewport_size(WIDE)
