"""Temporal Schedules of the maintenance workflows: created if missing, updated if their definition changed.

What an operator set in the UI is kept: a paused schedule stays paused, with its note.
"""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from contracts import names

#: After a downtime of Temporal up to this long, missed runs are caught up; several of them are a single run.
CATCH_UP_WINDOW = timedelta(days=7)
#: Runs do not overlap, so one that is stuck must end for the next to start.
EXECUTION_TIMEOUT = timedelta(days=2)
EVERY_DAY: Sequence[ScheduleRange] = (ScheduleRange(0, 6),)
MONDAY: Sequence[ScheduleRange] = (ScheduleRange(1),)


def definitions() -> dict[str, Schedule]:
    """Return every schedule by id; times are UTC."""
    return {
        names.STAGE_METRICS_SCHEDULE: _schedule(
            names.STAGE_METRICS,
            names.STAGE_METRICS_SCHEDULE,
            2,
            0,
            EVERY_DAY,
            "Stage metrics of all companies, up to yesterday",
            "Writes the days since the last one written, the last weeks again, and days that late events affected.",
        ),
        names.RECONCILIATION_SCHEDULE: _schedule(
            names.RECONCILIATION,
            names.RECONCILIATION_SCHEDULE,
            2,
            30,
            EVERY_DAY,
            "Deadlines that passed without an evaluation",
            "Each one found is a fault: repaired, counted and recorded in the audit log. See docs/maintenance.md.",
        ),
        names.RETURN_MODELS_SCHEDULE: _schedule(
            names.FIT_RETURN_MODELS,
            names.RETURN_MODELS_SCHEDULE,
            3,
            0,
            MONDAY,
            "Return models of all companies",
            "Refits how likely a customer is to return, on each company's own ledger.",
        ),
    }


async def ensure_schedules(client: Client) -> dict[str, str]:
    """Create or update the schedules; return ``created``, ``updated`` or ``unchanged`` by id.

    Raises:
        temporalio.service.RPCError: Temporal did not answer.
    """
    return {schedule_id: await _ensure(client, schedule_id, wanted) for schedule_id, wanted in definitions().items()}


async def _ensure(client: Client, schedule_id: str, wanted: Schedule) -> str:
    try:
        await client.create_schedule(schedule_id, wanted)
        return "created"
    except ScheduleAlreadyRunningError:
        pass
    handle = client.get_schedule_handle(schedule_id)
    if _definition((await handle.describe()).schedule) == _definition(wanted):
        return "unchanged"  # an update would disturb a schedule that is catching up

    def keep_state(current: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = current.description.schedule.state
        return ScheduleUpdate(wanted)

    await handle.update(keep_state)
    return "updated"


def _definition(schedule: Schedule) -> tuple[object, ...]:
    """Return the part of a schedule that is defined here: when, how, and which workflow."""
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    spec = [(c.hour, c.minute, c.day_of_week, c.comment) for c in schedule.spec.calendars]
    rest = (schedule.spec.intervals, schedule.spec.cron_expressions, schedule.spec.skip, schedule.spec.jitter)
    target = (action.workflow, action.id, action.task_queue, action.execution_timeout)
    return (spec, *map(bool, rest), schedule.policy, *target)


def _schedule(
    workflow: str, workflow_id: str, hour: int, minute: int, days: Sequence[ScheduleRange], summary: str, details: str
) -> Schedule:
    times = ScheduleCalendarSpec(hour=(ScheduleRange(hour),), minute=(ScheduleRange(minute),), day_of_week=days)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            workflow,
            {},  # the defaults of the code that runs the workflow, not of the code that created the schedule
            id=workflow_id,
            task_queue=names.TASK_QUEUE,
            execution_timeout=EXECUTION_TIMEOUT,
            static_summary=summary,
            static_details=details,
        ),
        spec=ScheduleSpec(calendars=(times,)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP_WINDOW),
    )
