"""After a change of rules, a journey is decided by the new ones, even if a worker has cached the old."""

import asyncio

import psycopg
import pytest
from temporalio.testing import ActivityEnvironment

from activities.commit import CommitActivity
from contracts import names
from contracts.requests import CommitRequest
from db.connections import Pool
from journey.time import Micros
from tests.support.commit_story import Histories
from tests.support.workflow_life import Life


@pytest.mark.usefixtures("worker")
async def test_evaluation_sees_the_new_rules(life: Life) -> None:
    await life.lived(life.visit(-70))
    before = life.row()
    assert float(before["risk_score"]) == 0.3
    with psycopg.connect(life.database_url) as connection:
        connection.execute(
            """update companies set rules_version = rules_version + 1, rules_changed_at = now(),
               settings = '{"scoring": {"risk_inactive_days": [20, 30]}}' where id = %s""",
            [life.company],
        )
    await asyncio.sleep(0.01)
    await life.handle.signal(names.EVALUATE_SIGNAL)
    await life.until(lambda: float(life.row()["risk_score"]) == 0.6)
    await life.settled()
    assert life.row()["rules_version"] == 2
    assert (await life.state())["risk_score"] == 0.6


@pytest.mark.usefixtures("worker")
async def test_evaluation_without_anything_to_do_writes_nothing(life: Life) -> None:
    await life.lived(life.visit(-1))
    before = life.row()
    for _ in range(3):
        await life.handle.signal(names.EVALUATE_SIGNAL)
    await life.lived()
    await asyncio.sleep(0.3)
    await life.settled()
    assert life.row() == before


async def test_message_that_cannot_be_stored_is_quarantined(life: Life, pool: Pool) -> None:
    """A credential id out of range, which the workflow would refuse, reaches the commit."""
    request: CommitRequest = {
        "company_id": life.company,
        "customer_id": life.customer,
        "run_id": "run",
        "now": Micros(1_800_000_000_000_000),
        "state": None,
        "messages": [
            ("events", ['[{"id": "x", "type": "nonsense"}]']),
            ("set_stage", ['{"stage": "vip", "reason": "r", "performed_by": 9223372036854775808}']),
            ("release", ["no JSON"]),
        ],
    }
    answer = await ActivityEnvironment().run(CommitActivity(pool, Histories()).commit, request)
    assert answer["changes"] == {}
    assert len(answer["answers"]) == 2
    assert all(answer["answers"])
    assert len(life.ledger("quarantined")) == 1
    assert not life.row()
