"""Rhythm in commits on a real Postgres: the columns of a journey's row, and what the ledger is read for."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from temporalio.testing import ActivityEnvironment

from activities.return_models import ReturnModelActivity
from background.rhythm_loop import complete_company
from db.connections import Pool
from db.journeys.company_medians import record_medians
from db.journeys.ledger_history import applied_events
from db.journeys.rulebooks import RulebookCache
from journey.appointment_book import fold_facts
from tests.support.commit_story import EVALUATE, NOON, Story, events


async def check_ledger(story: Story, pool: Pool) -> None:
    anew = fold_facts(await applied_events(pool, story.company, story.customer, []))[0]
    assert story.known.facts.visit_days == anew.visit_days


async def test_the_row_says_when_the_customer_is_expected(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-70)))
    row = story.row()
    assert (row["usual_interval"], row["expected_at"], row["rhythm"]) == (None, None, {})
    await story.commit(events(story.visit(-40), story.visit(-12)))
    row = story.row()
    assert row["usual_interval"] == Decimal(29)
    assert row["expected_at"] == NOON + timedelta(days=16), "whole weeks after the last visit"
    await check_ledger(story, pool)


async def test_a_visit_that_was_none_is_no_part_of_the_rhythm(story: Story, pool: Pool) -> None:
    """Twelve days count; when one of them falls away, the ledger says which one was before."""
    for first in range(0, 15, 5):
        await story.commit(
            events(*(story.visit(-30 * (15 - n), appointment_id=f"a-{n}") for n in range(first, first + 5)))
        )
    days = story.known.facts.visit_days
    assert len(days) == 12
    await story.commit(events(story.event("appointment.cancelled", 0, appointment_id="a-13")))
    assert len(story.known.facts.visit_days) == 12
    assert story.known.facts.visit_days[0] == days[0] - 30
    assert story.row()["expected_at"] == NOON - timedelta(days=2)
    await check_ledger(story, pool)


async def test_a_state_of_before_learns_its_rhythm_at_its_next_commit(story: Story, pool: Pool) -> None:
    await story.commit(events(*(story.visit(-30 * n) for n in range(1, 12))))
    assert story.state is not None
    old = {**story.state, "S": 2, "f": {name: value for name, value in story.state["f"].items() if name != "rd"}}
    story.rows(
        f"update customer_relationships set state = '{json.dumps(old)}'::jsonb, rhythm = null, expected_at = null"
        " where company_id = %(company)s returning id"
    )
    story.state = old
    await story.commit(EVALUATE, now=NOON + timedelta(days=10))
    assert len(story.known.facts.visit_days) == 11
    assert story.row()["expected_at"] == NOON - timedelta(days=2)
    await check_ledger(story, pool)


async def test_a_service_has_a_rhythm_of_its_own(story: Story, pool: Pool) -> None:
    """Cuts every 28 days, colour every 56: the next visit is a cut, and the row names both."""
    for n in range(8):
        fields = {"service": "cut"} if n % 2 else {"service": "colour"}
        await story.commit(events(story.visit(-28 * (8 - n), appointment_id=f"a-{n}", **fields)))
    row = story.row()
    assert row["expected_at"] == NOON
    by_service = {each["service"]: each for each in row["rhythm"]["services"]}
    assert by_service["colour"]["usual_interval"] == 56
    assert by_service["colour"]["expected_at"] == NOON.isoformat().replace("+00:00", "Z")
    assert by_service["cut"]["expected_at"] == (NOON + timedelta(days=28)).isoformat().replace("+00:00", "Z")
    await story.commit(events(story.event("appointment.cancelled", -1, appointment_id="a-0")))
    assert story.known.facts.services["colour"] == story.known.facts.visit_days[1::2]
    anew = fold_facts(await applied_events(pool, story.company, story.customer, []))[0]
    assert story.known.facts.services == anew.services


async def test_a_visit_uses_the_companys_medians_once_they_are_recorded(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-40), story.visit(-20), story.visit(-10)))
    other = Story(story.workers, story.url, story.company, "c-2", made=100)
    await other.commit(events(other.visit(-9)))
    assert other.row()["usual_interval"] is None
    assert (await record_medians(pool, story.company)).overall == 15
    await other.commit(events(other.call(-8)))
    assert other.row()["usual_interval"] is None, "it is kept until the next visit"
    await other.commit(events(other.visit(-1)))
    assert other.row()["usual_interval"] == pytest.approx(Decimal((8 + 2 * 15) / 3), abs=Decimal("0.001"))
    assert other.known.facts.company_median == 15


async def test_the_weekly_fit_and_each_change_of_rules_record_the_medians(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-40), story.visit(-20), story.visit(-10)))
    rulebooks = RulebookCache()

    async def recorded() -> list[tuple[int, float | None]]:
        rows = story.rows(
            "select rules_version, gap::float as gap from company_medians where company_id = %(company)s"
            " order by version"
        )
        return [(row["rules_version"], row["gap"]) for row in rows]

    await complete_company(pool, rulebooks, story.company)
    assert await recorded() == []
    await ActivityEnvironment().run(ReturnModelActivity(pool).fit_return_model, story.company)
    assert await recorded() == [(1, 15.0)]
    story.rules(NOON, ("new", None), ("buyer", {"trigger": "appointment_completed", "conditions": {}}))
    for _ in range(2):
        await complete_company(pool, rulebooks, story.company)
    assert await recorded() == [(1, 15.0), (2, 15.0)]


async def test_rows_of_before_are_filled_without_a_commit(story: Story, pool: Pool) -> None:
    await story.commit(events(*(story.visit(-28 * n, service="cut") for n in range(1, 6))))
    before = story.row()
    story.rows(
        "update customer_relationships set usual_interval = null, expected_at = null, rhythm = null"
        " where company_id = %(company)s returning id"
    )
    await complete_company(pool, RulebookCache(), story.company)
    after = story.row()
    names = ("usual_interval", "expected_at", "rhythm", "version")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
