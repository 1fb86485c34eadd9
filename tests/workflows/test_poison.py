"""Messages that the gateway would never send: each is quarantined or refused, and none blocks the journey."""

import asyncio

import pytest
from temporalio.client import WorkflowUpdateFailedError

from contracts import names
from contracts.messages import JourneyStart
from tests.support.workflow_life import Life, kinds
from tests.support.workflow_poison import SIGNALS, UPDATES

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize("name", SIGNALS)
async def test_signal_is_quarantined_and_the_journey_continues(life: Life, name: str) -> None:
    await life.lived(life.call())
    signal, arguments = SIGNALS[name]
    await life.handle.signal(signal, args=list(arguments))
    await life.lived(life.visit())
    assert life.applied() == ["e-1", "e-2"]
    assert life.stages() == ["prospect", "lead", "customer"]
    assert life.ledger("quarantined") or signal == "events"
    assert "WORKFLOW_TASK_FAILED" not in kinds(await life.history())


async def test_all_invalid_signals_at_once_before_the_first_event(life: Life) -> None:
    start = JourneyStart(life.company, life.customer)
    await life.client.start_workflow(names.JOURNEY, start, id=start.workflow_id, task_queue=names.TASK_QUEUE)
    for signal, arguments in SIGNALS.values():
        await life.handle.signal(signal, args=list(arguments))
    await life.until(lambda: len(life.ledger("quarantined")) >= 15)
    assert (await life.state())["stage"] is None
    assert "Nothing committed yet" in await life.details()
    await life.lived(life.visit())
    assert life.stages() == ["prospect", "customer"]
    assert "WORKFLOW_TASK_FAILED" not in kinds(await life.history())


async def test_valid_events_next_to_invalid_ones_count(life: Life) -> None:
    bad = life.visit(amount="-5")
    other = life.visit(customer_id="somebody-else")
    await life.send(life.call(), bad, other, {"type": "nonsense"}, life.visit())
    await life.until(lambda: len(life.applied()) == 2)
    assert len(life.ledger("quarantined")) == 3
    assert all(row["reason"] and row["raw"] for row in life.ledger("quarantined"))


@pytest.mark.parametrize("name", UPDATES)
async def test_update_is_refused_and_the_journey_continues(life: Life, name: str) -> None:
    await life.lived(life.call())
    update, arguments = UPDATES[name]
    with pytest.raises(WorkflowUpdateFailedError):
        async with asyncio.timeout(10):  # a blocked journey never answers
            await life.handle.execute_update(update, args=list(arguments))
    await life.lived(life.visit())
    assert life.stages() == ["prospect", "lead", "customer"]
    assert "WORKFLOW_TASK_FAILED" not in kinds(await life.history())


async def test_journey_of_a_company_that_does_not_exist_blocks_no_other(life: Life) -> None:
    stranger = Life(life.client, life.database_url, life.company + 1, "c-1")
    await stranger.send(stranger.visit())
    await life.lived(life.visit())
    assert life.stages() == ["prospect", "customer"]
    assert (await stranger.state())["stage"] is None
    assert len(await stranger.history()) < 20
    await stranger.end("test")
