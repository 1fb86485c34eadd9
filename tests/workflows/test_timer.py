"""The single timer: started lazily, for the absolute time of the next deadline."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.history.v1 import HistoryEvent

from contracts import names
from contracts.messages import Release, SetStage
from journey.time import to_micros
from tests.support.workflow_life import Life, at, kinds

pytestmark = pytest.mark.usefixtures("worker")


async def timers(life: Life) -> list[timedelta]:
    """Return the duration of each timer of this run."""
    started = [event.timer_started_event_attributes for event in await life.history() if is_timer(event)]
    return [timer.start_to_fire_timeout.ToTimedelta() for timer in started]


def is_timer(event: HistoryEvent) -> bool:
    return event.HasField("timer_started_event_attributes")


async def test_later_deadline_keeps_the_timer(life: Life) -> None:
    await life.start(spread=1)
    await life.lived(life.visit(-20), life.visit(-10), life.visit(-1), life.visit())
    assert [round(timer / timedelta(days=1)) for timer in await timers(life)] == [10]
    assert life.row()["next_deadline"] > datetime.now(UTC) + timedelta(days=29)


async def test_hold_that_ends_earlier_replaces_the_timer(life: Life) -> None:
    await life.start(spread=1)
    await life.lived(life.visit(-2))  # too long ago for actions
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("vip", "a friend", hold_until=at(3)))
    assert [round(timer / timedelta(days=1)) for timer in await timers(life)] == [28, 3]
    assert "TIMER_CANCELED" in kinds(await life.history())


async def test_journey_wakes_just_after_a_hold_ends(life: Life) -> None:
    """The transition has its exact time, however late the wake-up; a stage that no rule leads to is kept."""
    await life.start(spread=1)
    await life.lived(life.visit(-100))
    assert life.stages()[-1] == "at_risk"
    ends = datetime.now(UTC) + timedelta(seconds=1.5)
    change = SetStage("vip", "not yet lost", hold_until=at(0, now=ends))
    await life.handle.execute_update(names.SET_STAGE_UPDATE, change)
    assert life.stages()[-1] == "vip"
    await life.until(lambda: life.stages()[-1] == "at_risk")
    last = life.transitions()[-1]
    assert last["transitioned_at"] == ends
    assert timedelta(0) < datetime.now(UTC) - ends < timedelta(seconds=8)
    assert not life.row()["held"]


async def test_release_lets_the_rules_decide_again(life: Life) -> None:
    await life.lived(life.visit(-100))
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("vip", "a friend", hold=True))
    assert life.row()["held"]
    assert "held** until it is released" in await life.details()
    answer = await life.handle.execute_update(names.RELEASE_UPDATE, Release(performed_by=7))
    assert answer["stage"] == "at_risk"
    assert not life.row()["held"]


async def test_wake_up_is_jittered_but_the_transition_exact(life: Life) -> None:
    """Journeys with the same date do not wake in the same second."""
    lives = [Life(life.client, life.database_url, life.company, f"s-{n}") for n in range(6)]
    same = life.visit(-2)["occurred_at"]
    for other in lives:
        await other.send(other.visit(id=other.customer, occurred_at=same))
    await life.until(lambda: len(life.applied()) == 6)
    for other in lives:
        assert (await other.state())["version"] == 1  # answered after the timer was started
    waits = [(await timers(other))[0] for other in lives]
    assert max(waits) - min(waits) > timedelta(seconds=10)
    deadline = datetime.fromisoformat(same) + timedelta(days=30)
    assert {row["next_deadline"] for row in life.rows("select * from customer_relationships")} >= {deadline}
    for wait in waits:
        assert timedelta(days=28) - timedelta(seconds=30) < wait < timedelta(days=28, minutes=5)
    for other in lives:
        await other.end("test")


async def test_deadlines_wait_while_history_follows(life: Life) -> None:
    until = to_micros(datetime.now(UTC) - timedelta(days=190))
    await life.send(life.visit(-200), until=until)
    await life.until(lambda: life.applied() == ["e-1"])
    await asyncio.sleep(0.5)
    assert life.stages() == ["prospect", "customer"], "not at_risk, though 200 days have passed"
    await life.send(life.visit(-115), life.visit(-30))
    await life.until(lambda: len(life.applied()) == 3)
    assert life.stages() == ["prospect", "customer", "regular"]


async def test_passed_deadlines_take_effect_at_their_own_times(life: Life) -> None:
    await life.lived(life.visit(-200))
    visited = life.row()["last_appointment_at"]
    assert life.stages() == ["prospect", "customer", "at_risk", "churned"]
    assert [row["transitioned_at"] - visited for row in life.transitions()[2:]] == [
        timedelta(days=90),
        timedelta(days=180),
    ]
