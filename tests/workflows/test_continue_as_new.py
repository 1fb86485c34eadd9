"""Runs stay short, and nothing is lost between one and the next."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from contracts import names
from contracts.messages import SetStage
from journey.time import Micros, to_micros
from tests.support.workflow_life import Life, kinds

pytestmark = pytest.mark.usefixtures("worker")


async def test_after_twenty_messages_by_default(life: Life) -> None:
    for _ in range(45):
        await life.lived(life.visit())
    first = life.row()["run_id"]
    newest = await life.handle.describe()
    assert newest.run_id != first
    assert newest.raw_description.workflow_execution_info.first_run_id == first
    assert newest.history_length < 40
    assert (await life.state())["messages_in_this_run"] == 5


async def test_no_signal_of_a_burst_is_lost(life: Life) -> None:
    """Several senders at full speed, each event twice."""
    await life.start(continue_after=5)
    events = [life.visit(-1, amount="1.00") for _ in range(300)]

    async def sender(part: int) -> None:
        for event in events[part::6]:
            await life.send(event)
            await life.send(event)

    await asyncio.gather(*map(sender, range(6)))
    await life.until(lambda: len(life.applied()) == 300, patience=60)
    await life.settled()
    state = await life.state()
    assert state["total_appointments"] == 300
    assert state["lifetime_value"] == "300.00"
    assert (await life.handle.describe()).run_id != life.row()["run_id"], "it was continued as new"


async def test_continues_as_new_under_a_constant_stream_of_signals(life: Life) -> None:
    """A sender that never pauses must not keep the history growing."""
    await life.start(continue_after=5)
    done = asyncio.Event()

    async def sender() -> int:
        sent = 0
        while not done.is_set():
            await life.send(life.visit(-1, amount="1.00"))
            sent += 1
        return sent

    senders = [asyncio.create_task(sender()) for _ in range(2)]
    runs = set()
    for _ in range(30):
        await asyncio.sleep(0.2)
        description = await life.handle.describe()
        runs.add(description.run_id)
        assert description.history_length < 2000
    done.set()
    sent = sum(await asyncio.gather(*senders))
    await life.until(lambda: len(life.applied()) == sent)
    assert len(runs) > 5, "continued as new during the stream"


async def test_updates_between_runs_are_all_answered(life: Life) -> None:
    await life.start(continue_after=2)
    await life.lived(life.call())

    async def update(number: int) -> None:
        stage = ("lead", "customer")[number % 2]
        async with asyncio.timeout(20):
            await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage(stage, f"change {number}"))

    async def signals() -> None:
        for _ in range(30):
            await life.send(life.event("feedback.received", rating=5))

    await asyncio.gather(signals(), *map(update, range(20)))
    await life.until(lambda: len(life.applied()) == 31)
    assert (await life.handle.describe()).status == WorkflowExecutionStatus.RUNNING


async def test_timer_and_search_attributes_survive(life: Life) -> None:
    await life.start(continue_after=3)
    await life.lived(life.call(-3), life.visit(-2))
    before = await life.handle.describe()
    await life.lived(life.visit(-1))
    async with asyncio.timeout(10):
        while (await life.handle.describe()).run_id == before.run_id or "TIMER_STARTED" not in kinds(
            await life.history()
        ):
            await asyncio.sleep(0.05)
    assert kinds(await life.history()).count("TIMER_STARTED") == 1
    description = await life.handle.describe()
    assert description.typed_search_attributes.get(names.STAGE) == "customer"
    assert description.typed_search_attributes.get(names.NEXT_DEADLINE) == life.row()["next_deadline"]
    assert (await life.state())["stage"] == "customer"


async def test_not_before_survives(life: Life) -> None:
    """While more history follows, no deadline that it may invalidate is evaluated, in any run."""
    await life.start(continue_after=1)
    await life.send(life.visit(-200), until=Micros(instant(-190)))
    await life.until(lambda: life.applied() == ["e-1"])
    await asyncio.sleep(1.0)
    assert life.stages() == ["prospect", "customer"]
    await life.send(life.visit(-150), until=Micros(instant(-140)))
    await life.lived(life.visit(-65))
    assert life.stages() == ["prospect", "customer", "regular"]


def instant(days: float) -> int:
    """Return the instant that many days from now in µs."""
    return to_micros(datetime.now(UTC) + timedelta(days=days))
