"""Business rules for the commands of one commit: which are refused, and what the others change."""

from dataclasses import dataclass, field
from datetime import datetime

from activities.message_batch import MessageBatch
from contracts.messages import (
    CancelAction,
    ChangeTask,
    FinishTask,
    JourneyCommand,
    ReassignTask,
    RecordContact,
    Release,
    RemoveContact,
    RequestAction,
    RetryAction,
    SetStage,
    StaffRequest,
)
from contracts.requests import Reply
from db.journeys.request_targets import RequestTargets
from journey.actions import CALL_TASKS, REQUESTED
from journey.engine import Command
from journey.stages import Rulebook
from journey.time import DAY, LATEST, Micros, to_micros, utc_text

LATEST_DATE = to_micros(LATEST)
REMOVABLE_FOR = DAY  # a contact can be removed that long after it was recorded
TaskCommand = FinishTask | ReassignTask | ChangeTask
ActionCommand = RetryAction | CancelAction


@dataclass
class CommandDecisions:
    """The decision on every command of a commit.

    Attributes:
        replies: One per command, in order.
        stage_commands: Accepted commands for the journey's engine.
        staff_requests: Accepted requests that do not concern the stage, by their position among the commands.
    """

    replies: list[Reply] = field(default_factory=list)
    stage_commands: list[Command] = field(default_factory=list)
    staff_requests: dict[int, StaffRequest] = field(default_factory=dict)


def targets(batch: MessageBatch) -> dict[str, list[int]]:
    """Return the ids that a batch's commands refer to, as the arguments of `load_request_targets`."""
    tasks = [command.task_id for command in batch.commands if isinstance(command, TaskCommand)]
    actions = [command.action_id for command in batch.commands if isinstance(command, ActionCommand)]
    staff = [c.staff_id for c in batch.commands if isinstance(c, ReassignTask) and c.staff_id is not None]
    contacts = [command.contact_id for command in batch.commands if isinstance(command, RemoveContact)]
    return {"tasks": tasks, "actions": actions, "staff": staff, "contacts": contacts}


def refers_to_something(batch: MessageBatch) -> bool:
    """Whether any of a batch's commands can only be decided with what `load_request_targets` returns."""
    return any(
        isinstance(command, TaskCommand | ActionCommand | RemoveContact) or _is_call(command)
        for command in batch.commands
    )


def _is_call(command: object) -> bool:
    return isinstance(command, RequestAction) and command.type == "call"


def decide_commands(
    commands: list[JourneyCommand | str], rulebook: Rulebook, now: Micros, known: RequestTargets | None
) -> CommandDecisions:
    """Accept or refuse each command. A string in place of a command is the reason why it could not be parsed."""
    decisions = CommandDecisions()
    for position, command in enumerate(commands):
        reason = command if isinstance(command, str) else refusal(command, rulebook, now, known)
        decisions.replies.append(reason)
        if reason is not None or isinstance(command, str):
            continue
        if isinstance(command, SetStage | Release):
            decisions.stage_commands.append(_stage_command(command))
        else:
            decisions.staff_requests[position] = command
            if known is not None and _is_call(command):
                known.call_requested = True  # for the commands after it
    return decisions


def refusal(command: JourneyCommand, rulebook: Rulebook, now: Micros, known: RequestTargets | None) -> str | None:
    """Return why a command is refused, or None.

    The reason begins with the name of the field that it is about. A repetition of what is done already is not refused,
    because the caller may have lost the first answer.

    Args:
        command: A well-formed command (see ``contracts.messages.validation_problem``).
        rulebook: The company's rules.
        now: The workflow's time in µs.
        known: Current status of the tasks, actions and staff that the commit's commands refer to.
    """
    if isinstance(command, SetStage):
        return _set_stage_refusal(command, rulebook, now)
    if isinstance(command, RecordContact):
        return None if command.follow_up_at is None else _due_at_refusal("follow_up_at", command.follow_up_at, now)
    if known is None:
        return None
    if isinstance(command, RemoveContact):
        return _removal_refusal(command, known, now)
    if isinstance(command, TaskCommand):
        status, kind = known.tasks.get(command.task_id, (None, None))
        if status is None:
            return f"task_id: this customer has no task {command.task_id}"
        is_reopened_call = isinstance(command, ChangeTask) and command.reopen and kind in CALL_TASKS
        if is_reopened_call and status != "open" and known.open_call is not None:
            return f"task_id: call task {known.open_call} of this customer is open already"
        if status != "open" and not _is_allowed_when_closed(command, status):
            return f"task_id: task {command.task_id} is {status}; only an open task can be changed"
    if isinstance(command, ChangeTask) and command.due_at is not None:
        return _due_at_refusal("due_at", command.due_at, now)
    if isinstance(command, ReassignTask) and command.staff_id is not None and not known.staff.get(command.staff_id):
        return f"staff_id: there is no active member of staff with id {command.staff_id}"
    if _is_call(command):
        return _second_call_refusal(known)
    if isinstance(command, ActionCommand):
        action = known.actions.get(command.action_id)
        if action is None:
            return f"action_id: this customer has no action {command.action_id}"
        status, name, due_at = action
        if isinstance(command, CancelAction):
            return _cancel_refusal(command, status, name, due_at, now)
        if status not in ("failed", "suppressed", "pending"):
            return (
                f"action_id: action {command.action_id} is {status}; only failed or suppressed actions can be retried"
            )
    return None


def _second_call_refusal(known: RequestTargets) -> str | None:
    if known.open_call is not None:
        return f"type: call task {known.open_call} of this customer is still open"
    if known.call_requested:
        return "type: a call task for this customer is being created"
    return None


def _cancel_refusal(command: CancelAction, status: str, name: str, due_at: Micros, now: Micros) -> str | None:
    prefix = f"action_id: action {command.action_id}"
    if not name.startswith(REQUESTED):
        return f"{prefix} was not requested by staff; only requested actions can be cancelled"
    if status == "cancelled":
        return None
    if status not in ("pending", "waiting"):
        return f"{prefix} is {status}; it can no longer be cancelled"
    # The workflow starts actions when they are due: from then on, one may be in progress.
    return f"{prefix} is being performed; it can no longer be cancelled" if due_at <= now else None


def _is_allowed_when_closed(command: TaskCommand, status: str) -> bool:
    if isinstance(command, ChangeTask):  # it is reopened before its date is moved
        return command.reopen or command.due_at is None
    return isinstance(command, FinishTask) and status == "done"


def _removal_refusal(command: RemoveContact, known: RequestTargets, now: Micros) -> str | None:
    at = known.contacts.get(command.contact_id)
    if at is None:
        return f"contact_id: this customer has no contact {command.contact_id}"
    if at < now - REMOVABLE_FOR:
        return f"contact_id: contact {command.contact_id} is more than 24 hours old; it can no longer be removed"
    return None


def _due_at_refusal(field: str, text: str, now: Micros) -> str | None:
    try:
        due_at = to_micros(datetime.fromisoformat(text))
    except (ValueError, TypeError) as error:
        return f"{field}: {text!r} is not an RFC 3339 instant with an offset ({error})"
    if not now < due_at < LATEST_DATE:
        return f"{field}: {text!r} is not between now and {LATEST.year}"
    return None


def _set_stage_refusal(command: SetStage, rulebook: Rulebook, now: Micros) -> str | None:
    hold_until = None
    if command.hold_until is not None:
        try:
            hold_until = to_micros(datetime.fromisoformat(command.hold_until))
        except (ValueError, TypeError) as error:
            return f"hold_until: {command.hold_until!r} is not an RFC 3339 instant with an offset ({error})"
        if hold_until >= LATEST_DATE:
            return f"hold_until: {command.hold_until!r} is too far in the future; omit it to hold until released"
    stage = rulebook.by_key.get(command.stage)
    if stage is None or not stage.is_active:
        allowed = ", ".join(stage.key for stage in rulebook.stages)
        return f"stage: {command.stage!r} is not one of {allowed}"
    if hold_until is not None and hold_until <= now:
        return f"hold_until: {utc_text(hold_until)} is not in the future"
    return None


def _stage_command(command: SetStage | Release) -> Command:
    if isinstance(command, Release):
        return Command(kind="release", performed_by=command.performed_by)
    hold_until = command.hold_until
    return Command(
        kind="set_stage",
        stage=command.stage,
        reason=command.reason,
        hold=command.hold,
        hold_until=None if hold_until is None else to_micros(datetime.fromisoformat(hold_until)),
        performed_by=command.performed_by,
    )
