"""Staff commands: answered once committed; a refused one leaves no trace."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from contracts import names
from contracts.messages import Release, SetStage
from tests.support.workflow_life import Life, at

pytestmark = pytest.mark.usefixtures("worker")


async def test_stage_override_records_performer_and_reason(life: Life) -> None:
    await life.lived(life.call())
    answer = await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("vip", "signed today", performed_by=42))
    assert answer["stage"] == "vip"
    assert not answer["held"]
    last = life.transitions()[-1]
    assert (last["from_stage"], last["to_stage"]) == ("lead", "vip")
    assert (last["trigger_type"], last["trigger_event"]) == ("manual", "stage_set")
    assert (last["performed_by"], last["notes"]) == (42, "signed today")
    assert life.row()["version"] == answer["version"], "committed before it is answered"


async def test_held_journey_keeps_its_stage(life: Life) -> None:
    await life.lived(life.call())
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("lead", "watch them", hold=True))
    await life.lived(life.visit(), life.visit(), life.visit(amount="5000.00"))
    assert life.stages() == ["prospect", "lead"]
    answer = await life.handle.execute_update(names.RELEASE_UPDATE, Release())
    assert answer["stage"] == "vip"
    assert (await life.state())["held"] is False


async def test_hold_until_is_an_instant_of_any_offset(life: Life) -> None:
    await life.lived(life.call())
    ends = (datetime.now(UTC) + timedelta(days=5)).replace(microsecond=0)
    text = (ends + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    answer = await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("vip", "a friend", hold_until=text))
    assert answer["held"]
    assert datetime.fromisoformat(answer["hold_until"]) == ends
    assert life.row()["hold_until"] == ends


async def test_hold_of_a_century_costs_nothing(life: Life) -> None:
    await life.lived(life.call())
    change = SetStage("vip", "permanently", hold_until="2199-12-31T23:59:59Z")
    answer = await life.handle.execute_update(names.SET_STAGE_UPDATE, change)
    assert answer["held"]
    await life.lived(life.visit())
    assert (await life.state())["stage"] == "vip"


async def test_refusal_says_what_is_allowed_and_does_not_affect_other_commands(life: Life) -> None:
    await life.lived(life.call())

    async def ask(change: SetStage) -> str:
        try:
            await life.handle.execute_update(names.SET_STAGE_UPDATE, change)
        except WorkflowUpdateFailedError as error:
            return str(error.cause)
        return "done"

    answers = await asyncio.gather(
        ask(SetStage("nowhere", "a")),
        ask(SetStage("customer", "b")),
        ask(SetStage("customer", "c", hold_until=at(-1))),
        ask(SetStage("somewhere", "d")),
        ask(SetStage("regular", "e")),
    )
    assert [answer == "done" for answer in answers] == [False, True, False, False, True]
    assert "'nowhere' is not one of prospect, lead" in answers[0]
    assert "not in the future" in answers[2]
    assert {row["notes"] for row in life.transitions()} == {None, "b", "e"}


async def test_stage_override_can_start_a_journey(life: Life) -> None:
    await life.start()
    answer = await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("vip", "transferred"))
    assert answer["stage"] == "vip"
    assert life.stages() == ["prospect", "vip"]


async def test_release_without_a_hold_changes_nothing(life: Life) -> None:
    await life.lived(life.call())
    answer = await life.handle.execute_update(names.RELEASE_UPDATE, Release())
    assert answer["stage"] == "lead"
    assert life.stages() == ["prospect", "lead"]
