"""Maintenance schedules: created once, updated when their definition changes, left paused by an operator."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    ScheduleRange,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from contracts.schedules import CATCH_UP_WINDOW, definitions, ensure_schedules

IDS = ("stage-metrics", "reconciliation", "return-models")


@pytest_asyncio.fixture
async def schedules(client: Client) -> AsyncIterator[dict[str, str]]:
    """The outcome of creating them on a server that had none."""
    yield await ensure_schedules(client)
    for schedule_id in definitions():
        await client.get_schedule_handle(schedule_id).delete()


async def described(client: Client, schedule_id: str) -> Schedule:
    return (await client.get_schedule_handle(schedule_id).describe()).schedule


async def test_schedules_are_created_once(client: Client, schedules: dict[str, str]) -> None:
    assert schedules == dict.fromkeys(IDS, "created")
    assert await ensure_schedules(client) == dict.fromkeys(IDS, "unchanged")
    times = {}
    for schedule_id in IDS:
        found = await client.get_schedule_handle(schedule_id).describe()
        assert found.info.last_updated_at is None
        assert found.schedule.policy.overlap == ScheduleOverlapPolicy.SKIP
        assert found.schedule.policy.catchup_window == CATCH_UP_WINDOW
        times[schedule_id] = [f"{at:%a %H:%M}" for at in found.info.next_action_times[:2]]
    assert times["return-models"] == ["Mon 03:00", "Mon 03:00"]
    assert [at[4:] for at in times["stage-metrics"] + times["reconciliation"]] == ["02:00", "02:00", "02:30", "02:30"]


@pytest.mark.usefixtures("schedules")
async def test_what_an_operator_paused_stays_paused(client: Client) -> None:
    handle = client.get_schedule_handle("reconciliation")
    await handle.pause(note="the database is moved tonight")
    assert (await ensure_schedules(client))["reconciliation"] == "unchanged"

    def moved(found: ScheduleUpdateInput) -> ScheduleUpdate:
        changed = found.description.schedule
        changed.spec.calendars = (ScheduleCalendarSpec(hour=(ScheduleRange(5),)),)
        return ScheduleUpdate(changed)

    await handle.update(moved)  # as if an older version had other times
    assert (await ensure_schedules(client))["reconciliation"] == "updated"
    after = await described(client, "reconciliation")
    assert (after.state.paused, after.state.note) == (True, "the database is moved tonight")
    assert [c.hour for c in after.spec.calendars] == [(ScheduleRange(2),)]
    assert (await ensure_schedules(client))["reconciliation"] == "unchanged"


@pytest.mark.usefixtures("schedules", "worker")
async def test_a_triggered_schedule_runs_its_workflow(client: Client) -> None:
    handle = client.get_schedule_handle("stage-metrics")
    await handle.trigger()
    while not (recent := (await handle.describe()).info.recent_actions):
        await asyncio.sleep(0.1)
    action = recent[0].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    started = client.get_workflow_handle(action.workflow_id)
    assert started.id.startswith("stage-metrics-")
    assert (await started.result())["companies"] >= 0
    # with many companies, the runs after a continue-as-new have no summary
    shown = await client.get_workflow_handle(action.workflow_id, run_id=action.first_execution_run_id).describe()
    assert await shown.static_summary() == "Stage metrics of all companies, up to yesterday"
