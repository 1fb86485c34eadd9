"""Messages to journeys and the arguments that start workflows: plain JSON, versioned where it outlives a deployment."""

from dataclasses import dataclass, field
from typing import Any

from contracts import names
from journey.text import STORABLE_TEXT, is_storable
from journey.time import EPOCH_MICROS, Micros

SCHEMA = 1
CONTINUE_AFTER = 20
TEXT_LIMIT = 1000  # characters
HISTORY = "history"  # third argument of the `events` signal: take no action on these events, however recent
REQUESTABLE_ACTIONS = ("call", "email", "offer")
MAX_DELAY = 3600  # seconds
CONTACT_CHANNELS = ("phone", "email", "message", "in_person")
DO_NOT_CONTACT = "do_not_contact"
CONTACT_OUTCOMES = ("reached", "no_answer", "booked", "declined", DO_NOT_CONTACT)


@dataclass
class JourneyStart:
    """Argument of ``CustomerJourney``, at its first start and at every continue-as-new.

    Fields are only ever added, each with a default.

    Attributes:
        continue_after: Messages after which the run continues as new.
        spread: Range of the wake-up jitter in seconds.
        state: The packed state; None at the first start.
        not_before: Deadlines are not evaluated before this instant (µs), because more history follows.
        agenda: Pending actions, by ``action_ref``, with the µs at which each is due (0: now).
        campaign: Number of the running campaign (0: none).
        campaign_entry: Number of the transition with which that campaign began.
        waiting: Why pending actions are held back, by ``action_ref``.
        campaign_steps: Steps of that campaign as (``action_ref``, µs when due).
    """

    company_id: int
    customer_id: str
    schema: int = SCHEMA
    continue_after: int = CONTINUE_AFTER
    spread: int = 300
    state: dict[str, Any] | None = None
    not_before: Micros = EPOCH_MICROS
    agenda: dict[str, Micros] = field(default_factory=dict)
    campaign: int = 0
    campaign_entry: int = 0
    waiting: dict[str, str] = field(default_factory=dict)
    campaign_steps: list[tuple[str, Micros]] = field(default_factory=list)

    @property
    def workflow_id(self) -> str:
        return names.journey_id(self.company_id, self.customer_id)


@dataclass
class CampaignStart:
    """Argument of ``RetentionCampaign``: the customer's ``n``-th, with its steps as (``action_ref``, µs when due)."""

    company_id: int
    customer_id: str
    n: int
    steps: list[tuple[str, Micros]]
    schema: int = SCHEMA


@dataclass
class SetStage:
    """Override a journey's stage.

    ``hold_until`` is RFC 3339; ``hold`` without it lasts until released. ``performed_by`` is the credential's id, here
    and in all other commands.
    """

    stage: str
    reason: str
    hold: bool = False
    hold_until: str | None = None
    performed_by: int | None = None


@dataclass
class Release:
    """Release a held journey."""

    performed_by: int | None = None


@dataclass
class RequestAction:
    """Request outreach to the customer; ``type`` is one of ``REQUESTABLE_ACTIONS``.

    It is performed after ``delay`` seconds; until then it can be cancelled.
    """

    type: str
    note: str | None = None
    performed_by: int | None = None
    delay: int = 0


@dataclass
class FinishTask:
    """Mark one of the customer's tasks as done. ``task_id`` is ``tasks.id``."""

    task_id: int
    note: str | None = None
    performed_by: int | None = None


@dataclass
class ReassignTask:
    """Assign one of the customer's tasks to another member of staff, or to nobody (None)."""

    task_id: int
    staff_id: int | None = None
    performed_by: int | None = None


@dataclass
class ChangeTask:
    """Move one of the customer's tasks to another time (``due_at``, RFC 3339), comment on it, or reopen it."""

    task_id: int
    due_at: str | None = None
    comment: str | None = None
    reopen: bool = False
    performed_by: int | None = None


@dataclass
class RetryAction:
    """Retry an action that failed or was suppressed. ``action_id`` is ``journey_actions.id``."""

    action_id: int
    performed_by: int | None = None


@dataclass
class CancelAction:
    """Cancel an action that staff requested and that is not being performed yet."""

    action_id: int
    performed_by: int | None = None


@dataclass
class RecordContact:
    """Record a contact that a person made with the customer.

    It closes the customer's open call tasks. ``follow_up_at`` (RFC 3339) is when to call again; ``event_id`` is the
    event of the appointment that was made. The outcome ``do_not_contact`` marks the customer.
    """

    channel: str
    outcome: str
    note: str | None = None
    follow_up_at: str | None = None
    event_id: str | None = None
    performed_by: int | None = None


@dataclass
class RemoveContact:
    """Remove a contact that was recorded by mistake, with what it changed. ``contact_id`` is ``contacts.id``."""

    contact_id: int
    performed_by: int | None = None


StaffRequest = (
    RequestAction | FinishTask | ReassignTask | ChangeTask | RetryAction | CancelAction | RecordContact | RemoveContact
)
JourneyCommand = SetStage | Release | StaffRequest

#: Every command by the name of its update. Each is answered, whatever the outcome.
COMMANDS: dict[str, type[JourneyCommand]] = {
    names.SET_STAGE_UPDATE: SetStage,
    names.RELEASE_UPDATE: Release,
    names.REQUEST_ACTION_UPDATE: RequestAction,
    names.FINISH_TASK_UPDATE: FinishTask,
    names.REASSIGN_TASK_UPDATE: ReassignTask,
    names.CHANGE_TASK_UPDATE: ChangeTask,
    names.RETRY_ACTION_UPDATE: RetryAction,
    names.CANCEL_ACTION_UPDATE: CancelAction,
    names.RECORD_CONTACT_UPDATE: RecordContact,
    names.REMOVE_CONTACT_UPDATE: RemoveContact,
}
UPDATE_NAMES: dict[type[JourneyCommand], str] = {command: name for name, command in COMMANDS.items()}


def validation_problem(command: JourneyCommand) -> str | None:
    """Return what is wrong with a command whatever the company's rules are, or None if it is well-formed."""
    if not isinstance(command, JourneyCommand):  # a client's null or bytes are not converted to a command
        return "an object with the fields of the request is required"
    for name in ("performed_by", "task_id", "staff_id", "action_id", "contact_id"):
        number = getattr(command, name, None)
        if number is not None and not 0 < number < 1 << 63:
            return f"{name}: a positive number is required"
    if isinstance(command, SetStage) and (
        not command.stage or not command.reason.strip() or len(command.reason) > TEXT_LIMIT
    ):
        return f"stage and reason (1 to {TEXT_LIMIT} characters) are required"
    if isinstance(command, RequestAction) and command.type not in REQUESTABLE_ACTIONS:
        return f"type: {command.type!r} is not one of {', '.join(REQUESTABLE_ACTIONS)}"
    if isinstance(command, RequestAction) and not 0 <= command.delay <= MAX_DELAY:
        return f"delay: {command.delay} is not between 0 and {MAX_DELAY} seconds"
    if isinstance(command, RecordContact) and (problem := _contact_problem(command)):
        return problem
    for name in ("stage", "reason", "note", "comment", "event_id"):
        text = getattr(command, name, None)
        if text is None:
            continue
        if len(text) > TEXT_LIMIT:
            return f"{name}: at most {TEXT_LIMIT} characters are allowed"
        if not is_storable(text):
            return f"{name}: {STORABLE_TEXT}, is required"
    if isinstance(command, ChangeTask) and command.comment is not None and not command.comment.strip():
        return f"comment: 1 to {TEXT_LIMIT} characters are required"
    return None


def _contact_problem(contact: RecordContact) -> str | None:
    for name, allowed in (("channel", CONTACT_CHANNELS), ("outcome", CONTACT_OUTCOMES)):
        if getattr(contact, name) not in allowed:
            return f"{name}: {getattr(contact, name)!r} is not one of {', '.join(allowed)}"
    if contact.outcome == DO_NOT_CONTACT and contact.follow_up_at is not None:
        return "follow_up_at: a customer who does not want to be contacted has no next step; omit it"
    return None
