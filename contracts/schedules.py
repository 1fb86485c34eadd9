"""When maintenance runs: Temporal Schedules, the client's side. Made where they are missing, changed where we changed.

What an operator decided in the UI stays: one who paused a schedule finds it paused, with his note.
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

#: After a downtime of Temporal so long, what was missed is started; several missed times are one round.
CATCH_UP = timedelta(days=7)
#: A round that is stuck ends, or no later one would ever run: they do not overlap.
LONGEST = timedelta(days=2)
EVERY_DAY: Sequence[ScheduleRange] = (ScheduleRange(0, 6),)
MONDAY: Sequence[ScheduleRange] = (ScheduleRange(1),)


def definitions() -> dict[str, Schedule]:
    """Every schedule of ours, by id; times are UTC."""
    return {
        names.STAGE_METRICS_SCHEDULE: _schedule(
            names.STAGE_METRICS,
            names.STAGE_METRICS_SCHEDULE,
            2,
            0,
            EVERY_DAY,
            "Stage metrics of all companies, up to yesterday",
            "The days since the last one written, the last weeks anew, and what late events touched.",
        ),
        names.RECONCILIATION_SCHEDULE: _schedule(
            names.RECONCILIATION,
            names.RECONCILIATION_SCHEDULE,
            2,
            30,
            EVERY_DAY,
            "Deadlines that passed without an evaluation",
            "Each one found is a fault: repaired, counted, and in the audit log. docs/maintenance.md says what to do.",
        ),
        names.RETURN_MODELS_SCHEDULE: _schedule(
            names.FIT_RETURN_MODELS,
            names.RETURN_MODELS_SCHEDULE,
            3,
            0,
            MONDAY,
            "Models of return of all companies, fitted anew",
            "How likely a customer comes back, learned from each company's own ledger.",
        ),
    }


async def ensure_schedules(client: Client) -> dict[str, str]:
    """Make or change what is not as we define it; by id ``created``, ``updated`` or ``unchanged``. Raises RPCError."""
    return {schedule_id: await _ensure(client, schedule_id, wanted) for schedule_id, wanted in definitions().items()}


async def _ensure(client: Client, schedule_id: str, wanted: Schedule) -> str:
    try:
        await client.create_schedule(schedule_id, wanted)
        return "created"
    except ScheduleAlreadyRunningError:
        pass
    handle = client.get_schedule_handle(schedule_id)
    if _definition((await handle.describe()).schedule) == _definition(wanted):
        return "unchanged"  # a worker's start is no reason to disturb a schedule that may be catching up

    def changed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = found.description.schedule.state
        return ScheduleUpdate(wanted)

    await handle.update(changed)
    return "updated"


def _definition(schedule: Schedule) -> tuple[object, ...]:
    """What of a schedule is ours: when, how, and which workflow."""
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    spec = [(c.hour, c.minute, c.day_of_week, c.comment) for c in schedule.spec.calendars]
    rest = (schedule.spec.intervals, schedule.spec.cron_expressions, schedule.spec.skip, schedule.spec.jitter)
    started = (action.workflow, action.id, action.task_queue, action.execution_timeout)
    return (spec, *map(bool, rest), schedule.policy, *started)


def _schedule(
    workflow: str, workflow_id: str, hour: int, minute: int, days: Sequence[ScheduleRange], summary: str, details: str
) -> Schedule:
    times = ScheduleCalendarSpec(hour=(ScheduleRange(hour),), minute=(ScheduleRange(minute),), day_of_week=days)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            workflow,
            {},  # a round with the defaults of the code that runs it, not of the code that made the schedule
            id=workflow_id,
            task_queue=names.TASK_QUEUE,
            execution_timeout=LONGEST,
            static_summary=summary,
            static_details=details,
        ),
        spec=ScheduleSpec(calendars=(times,)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
