"""Rhythm in commits on a real Postgres: the columns of a journey's row, and what the ledger is read for."""

import json
from datetime import timedelta
from decimal import Decimal

from db.connections import Pool
from db.journeys.ledger_history import applied_events
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
    assert row["expected_at"] == NOON + timedelta(days=17)
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
    assert story.row()["expected_at"] == NOON
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
    assert story.row()["expected_at"] == NOON
    await check_ledger(story, pool)
