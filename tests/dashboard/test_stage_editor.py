"""The editor of stages and rules: every kind of edit and of mistake, by mouse and by keyboard; who may use it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from db.people.api_keys import JOURNEYS_READ
from journey.actions import ACTIONS
from journey.rules import FACTS, OPERATORS, TRIGGERS
from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import select_option, visible_dialog
from tests.support.dashboard_rules import (
    NUMBER_OF_VALUE,
    Company,
    expect_changes,
    open_details,
    open_editor,
    stage_card,
    undo,
)

VOCABULARY = Path(__file__).parents[2] / "dashboard/src/rulebook/vocabulary.ts"


@pytest.fixture
def company(stack: Stack) -> Company:
    return Company(stack)


def test_the_vocabulary_is_that_of_the_core() -> None:
    text = VOCABULARY.read_text()
    facts = re.search(r"FACTS.*?= \{(.*?)\n\};", text, re.DOTALL)
    assert facts
    assert set(re.findall(r"^  (\w+): \{", facts[1], re.MULTILINE)) == set(FACTS)

    def names(constant: str) -> set[str]:
        found = re.search(rf"export const {constant} = \[(.*?)\]", text, re.DOTALL)
        assert found, constant
        return set(re.findall(r'"([^"]+)"', found[1]))

    assert names("ACTIONS") == set(ACTIONS)
    assert names("OPERATORS") == set(OPERATORS)
    assert names("EVENT_TRIGGERS") == {name for name, trigger in TRIGGERS.items() if trigger.needs_event}
    assert set(re.findall(r'trigger: "(\w+)"', facts[1])) | names("EVENT_TRIGGERS") == set(TRIGGERS)


def test_each_kind_of_edit(visit: Visit, company: Company) -> None:
    page = open_editor(visit, company)
    vip, lead = stage_card(page, "VIP Customer"), stage_card(page, "Lead")
    expect(page.get_by_text("No changes")).to_be_visible()

    vip.get_by_label(NUMBER_OF_VALUE).press("End")
    vip.get_by_label(NUMBER_OF_VALUE).press_sequentially("0")
    expect_changes(page, re.compile(r"VIP Customer: .*1,000.00” becomes .*10,000.00”"))
    undo(page)
    expect(vip.get_by_label(NUMBER_OF_VALUE)).to_have_value("1000")
    page.get_by_role("button", name="Redo").click()
    expect(vip.get_by_label(NUMBER_OF_VALUE)).to_have_value("10000")
    undo(page)

    select_option(vip, "Comparison", "more than")
    vip.get_by_role("button", name="Add a condition").click()
    vip.get_by_label("Number: completed appointments are").fill("3")
    expect_changes(
        page, re.compile("the lifetime value is more than .* and the number of completed appointments is at")
    )
    vip.get_by_role("button", name="Remove this condition").last.click()
    vip.get_by_role("button", name="Add a rule to VIP Customer").click()
    second = vip.get_by_role("group").nth(1)
    select_option(second, "What is compared", "completed appointments are")
    second.get_by_label("Number: completed appointments are").fill("20")
    expect_changes(
        page,
        re.compile("VIP Customer: no longer when .*at least"),
        re.compile("VIP Customer: also when .*more than"),
        "VIP Customer: also when “the number of completed appointments is at least 20”.",
    )
    second.get_by_role("button", name="Remove this rule").click()
    select_option(vip, "Occasion", "when an appointment is completed")
    expect_changes(page, re.compile("becomes “an appointment is completed and the lifetime value is more than"))
    page.get_by_role("button", name="Discard changes").click()
    page.get_by_role("tooltip").get_by_role("button", name="Discard changes").click()
    expect(page.get_by_text("No changes")).to_be_visible()

    open_details(vip)
    vip.get_by_label("Name", exact=True).fill("Gold")
    gold = stage_card(page, "Gold")
    gold.get_by_label("Colour").fill("#123456")
    select_option(gold, "Icon", "Heart")
    select_option(gold, "Meaning in lists and figures", "None in particular")
    gold.get_by_label("Description").fill("The best")
    gold.get_by_label(re.compile("^Days without any event")).fill("400")
    gold.get_by_role("combobox", name="When a customer comes here").fill("Check-in")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect_changes(
        page,
        "VIP Customer is renamed to Gold.",
        "Gold has no particular meaning in lists and figures any more.",
        "Gold: inactive after 400 days without any event.",
        "Gold: new action “Check-in call”.",
        "Gold: new description.",
        "Gold: new colour or icon.",
    )
    undo(page, 7)
    expect(page.get_by_text("No changes")).to_be_visible()

    lead.get_by_role("button", name="Move Lead down").click()
    expect(page.get_by_text("Lead is now number 3 of 5.")).to_be_attached()
    expect_changes(page, re.compile("growth stages is now: Prospect, Customer, Lead, Regular Customer, VIP Customer"))
    lead.get_by_role("button", name="Move Lead up").click()
    drag(page, "Lead", "Prospect")
    expect_changes(page, re.compile("growth stages is now: Lead, Prospect, Customer"))
    stage_card(page, "Churned").get_by_role("button", name="Remove Churned").click()
    page.get_by_role("button", name="Add growth stage").click()
    added = stage_card(page, "New stage")
    added.get_by_label("Name", exact=True).fill("Trial")
    trial = stage_card(page, "Trial")
    select_option(trial, "Kind", "Inactivity")
    expect(page.get_by_role("region", name="Inactivity stages").get_by_role("listitem", name="Trial")).to_be_visible()
    expect_changes(
        page,
        "Churned is removed.",
        "New inactivity stage Trial, set manually.",
        re.compile("growth stages is now: Lead, Prospect"),
    )
    page.get_by_role("button", name="Use Churned again").click()
    select_option(page, "Start from", "Customer's rhythm")
    expect(page.get_by_text("The stages of “Customer's rhythm” were loaded")).to_be_attached()
    undo(page)

    page.get_by_role("link", name="Customers").click()
    dialog = visible_dialog(page, "Leave without applying?")
    dialog.get_by_role("button", name="Keep editing").click()
    expect(dialog).to_be_hidden()
    assert company.request("GET", "/v1/stages")["version"] == 1


def drag(page: Page, name: str, onto: str) -> None:
    handle, target = (page.get_by_role("button", name=f"Move {each}", exact=True) for each in (name, onto))
    handle.scroll_into_view_if_needed()
    target.scroll_into_view_if_needed()
    start, end = handle.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 8, start["y"] - 20, steps=3)
    page.mouse.move(end["x"] + 8, end["y"] - 10, steps=8)
    page.mouse.up()


def test_each_kind_of_mistake(visit: Visit, company: Company) -> None:
    visit.expected_errors = "422"
    page = open_editor(visit, company)
    vip = stage_card(page, "VIP Customer")
    value = vip.get_by_label(NUMBER_OF_VALUE)
    value.fill("")
    open_details(vip)
    vip.get_by_label("Name", exact=True).fill("lead")
    card = stage_card(page, "lead")
    card.get_by_label(re.compile("^Days without any event")).fill("0")
    regular = stage_card(page, "Regular Customer")
    regular.get_by_label(re.compile("^Number")).fill("three")
    churned = stage_card(page, "Churned")
    churned.get_by_role("button", name="Remove this condition").click()
    page.get_by_role("heading", name="Scores").click()
    page.get_by_label(re.compile("^the risk is high above")).fill("150")
    page.get_by_label(re.compile("support tickets")).last.fill("2.5")
    page.get_by_role("button", name="Preview changes").click()
    problems = page.get_by_role("alert", name=re.compile("to correct before the preview"))
    expect(problems.get_by_role("listitem")).to_contain_text(
        [
            "Another stage has this name.",
            "“three” is not a number such as 60 or 2.5.",
            "Another stage has this name.",
            "Enter a whole number from 1 to 10000, or nothing.",
            "Enter a number.",
            "Add a condition: without one, the rule would always apply.",
            "“2.5” is not a whole number.",
        ]
    )
    number = regular.get_by_label(re.compile("^Number"))
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_have_accessible_description("“three” is not a number such as 60 or 2.5.")
    problems.get_by_role("button", name="Regular Customer").click()
    expect(number).to_be_focused()
    number.fill("4")
    expect(number).not_to_have_attribute("aria-invalid", "true")
    undo(page)
    card.get_by_label("Name", exact=True).fill("VIP")
    vip = stage_card(page, "VIP")
    vip.get_by_label(re.compile("^Days without any event")).fill("")
    vip.get_by_label(NUMBER_OF_VALUE).fill("700")
    number.fill("4")
    churned.get_by_role("button", name="Remove this rule").click()
    page.get_by_label(re.compile("support tickets")).last.fill("2")
    expect(problems).to_have_count(0)

    page.get_by_role("button", name="Preview changes").click()  # the API finds the last one
    expect(problems.get_by_role("listitem")).to_contain_text(["must be between 0 and 1"])
    risk = page.get_by_label(re.compile("^the risk is high above"))
    expect(risk).to_have_accessible_description(re.compile("must be between 0 and 1"))
    risk.fill("80")
    expect(problems).to_have_count(0)
    for name in ("At Risk", "Churned", "Regular Customer", "Customer", "Lead", "Prospect", "VIP"):
        page.get_by_role("button", name=f"Remove {name}", exact=True).click()
    expect(problems).to_contain_text("Use 2 to 12 stages.")
    expect(problems).to_contain_text("At least one growth stage is required.")


def test_keyboard_only(visit: Visit, company: Company) -> None:
    page = open_editor(visit, company)

    def tab_to(target: Locator) -> None:
        for _ in range(200):
            page.keyboard.press("Tab")
            if target.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError(f"{target} was not reached")

    tab_to(page.get_by_role("button", name="Move Lead", exact=True))
    page.keyboard.press("Space")
    expect(page.get_by_text("Lead is now number 2 of 5.")).to_be_attached()
    page.wait_for_timeout(100)  # the library measures before it takes keys
    page.keyboard.press("ArrowDown")
    expect(page.get_by_text("Lead is now number 3 of 5.")).to_be_attached()
    page.keyboard.press("Space")
    tab_to(stage_card(page, "VIP Customer").get_by_label(NUMBER_OF_VALUE))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("800")
    tab_to(page.get_by_role("button", name="2 changes"))
    page.keyboard.press("Enter")
    tab_to(page.get_by_role("button", name="Preview changes"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What happens when you apply").wait_for(timeout=60_000)
    tab_to(page.get_by_label("Reason"))
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Roll-out of version 2", level=1).wait_for()
    keys = [stage["stage_key"] for stage in company.request("GET", "/v1/stages")["stages"]]
    assert keys[:3] == ["prospect", "customer", "lead"]


def test_who_may_not_edit_sees_the_rules(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(visit.stack.create_key(JOURNEYS_READ), at="/stages")
    expect(page.get_by_role("heading", name="VIP Customer")).to_be_visible()
    expect(page.get_by_role("button", name="Edit stages and rules")).to_have_count(0)
    visit.open("/stages/edit")
    expect(page).to_have_url(re.compile("/stages$"))
    page.get_by_role("button", name="Versions").click()
    expect(page.get_by_role("heading", name=re.compile("^Version 1"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Restore"))).to_have_count(0)
