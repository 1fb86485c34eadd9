"""What journeys are told and what they answer: plain JSON, versioned where it outlives a deployment."""

from dataclasses import dataclass, field
from typing import Any

from contracts.names import journey_id

SCHEMA = 1
CONTINUE_AFTER = 20
REASON_LIMIT = 1000  # characters
HISTORY = "history"  # third argument of the `events` signal: take no action on these events, however recent
REQUESTED = ("call", "email", "offer")  # what a person may ask for


@dataclass
class JourneyStart:
    """The argument of ``CustomerJourney``, at its first start and at every continue-as-new.

    ``state`` is the packed state (None at the first start); ``continue_after`` business events the run is continued as
    new; ``spread`` is the wake-up spread in seconds; ``not_before`` (µs) keeps deadlines waiting for history that
    follows; ``agenda`` are the actions still to be done, by tail, with the µs when each is due (0: now);
    ``campaign`` is the number of the running campaign, begun at the transition ``campaign_entry`` (0: none). Fields
    are only ever added, with a default.
    """

    company_id: int
    customer_id: str
    schema: int = SCHEMA
    continue_after: int = CONTINUE_AFTER
    spread: int = 300
    state: dict[str, Any] | None = None
    not_before: int = 0
    agenda: dict[str, int] = field(default_factory=dict)
    campaign: int = 0
    campaign_entry: int = 0

    @property
    def workflow_id(self) -> str:
        return journey_id(self.company_id, self.customer_id)


@dataclass
class CampaignStart:
    """The argument of ``RetentionCampaign``: the customer's ``n``-th, its steps as (tail, µs when due) in order."""

    company_id: int
    customer_id: str
    n: int
    steps: list[tuple[str, int]]
    schema: int = SCHEMA


@dataclass
class SetStage:
    """A person's change of stage. ``hold_until`` in RFC 3339; ``hold`` without it lasts until released;
    ``performed_by`` is the credential's id."""

    stage: str
    reason: str
    hold: bool = False
    hold_until: str | None = None
    performed_by: int | None = None


@dataclass
class Release:
    """The end of a hold, asked for by a person."""

    performed_by: int | None = None


@dataclass
class RequestAction:
    """Outreach that a person asks for: ``type`` is call, email or offer."""

    type: str
    note: str | None = None
    performed_by: int | None = None


@dataclass
class FinishTask:
    """A task of this customer is done. ``task_id`` is ``tasks.id``."""

    task_id: int
    note: str | None = None
    performed_by: int | None = None


@dataclass
class ReassignTask:
    """A task of this customer goes to somebody else of the staff, or to nobody (None)."""

    task_id: int
    staff_id: int | None = None
    performed_by: int | None = None


@dataclass
class RetryAction:
    """An action that failed or was suppressed is tried again. ``action_id`` is ``journey_actions.id``."""

    action_id: int
    performed_by: int | None = None


Request = SetStage | Release | RequestAction | FinishTask | ReassignTask | RetryAction


def problem_of(request: Request) -> str | None:
    """What no rule of a company could allow, in words; None where the request can be decided upon."""
    if not isinstance(request, Request):  # what a client sends as null or as bytes becomes anything
        return "an object with the fields of the request is required"
    for name in ("performed_by", "task_id", "staff_id", "action_id"):
        number = getattr(request, name, None)
        if number is not None and not 0 < number < 1 << 63:
            return f"{name}: a positive number is required"
    if isinstance(request, SetStage) and (
        not request.stage or not request.reason.strip() or len(request.reason) > REASON_LIMIT
    ):
        return f"stage and reason (1 to {REASON_LIMIT} characters) are required"
    if isinstance(request, RequestAction) and request.type not in REQUESTED:
        return f"type: {request.type!r} is not one of {', '.join(REQUESTED)}"
    for name in ("stage", "reason", "note"):
        text = getattr(request, name, None)
        if text is None:
            continue
        if len(text) > REASON_LIMIT:
            return f"{name}: at most {REASON_LIMIT} characters are allowed"
        # Postgres stores neither
        if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            return f"{name}: text in Unicode, without NUL or lone surrogates, is required"
    return None
