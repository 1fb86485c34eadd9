"""What journeys are told and what they answer: plain JSON, versioned where it outlives a deployment."""

from dataclasses import dataclass
from typing import Any

from workflows.names import journey_id

SCHEMA = 1
CONTINUE_AFTER = 20
REASON_LIMIT = 1000  # characters


@dataclass
class JourneyStart:
    """The argument of ``CustomerJourney``, at its first start and at every continue-as-new.

    ``state`` is the packed state (None at the first start); ``continue_after`` business events the run is continued as
    new; ``spread`` is the wake-up spread in seconds; ``not_before`` (µs) keeps deadlines waiting for history that
    follows. Fields are only ever added, with a default.
    """

    company_id: int
    customer_id: str
    schema: int = SCHEMA
    continue_after: int = CONTINUE_AFTER
    spread: int = 300
    state: dict[str, Any] | None = None
    not_before: int = 0

    @property
    def workflow_id(self) -> str:
        return journey_id(self.company_id, self.customer_id)


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


def problem_of(request: SetStage | Release) -> str | None:
    """What no rule of a company could allow, in words; None where the request can be decided upon."""
    if request.performed_by is not None and not 0 < request.performed_by < 1 << 63:
        return "performed_by: the positive number of a credential is required"
    if isinstance(request, Release):
        return None
    if not request.stage or not request.reason.strip() or len(request.reason) > REASON_LIMIT:
        return f"stage and reason (1 to {REASON_LIMIT} characters) are required"
    for name, text in (("stage", request.stage), ("reason", request.reason)):
        # Postgres stores neither
        if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            return f"{name}: text in Unicode, without NUL or lone surrogates, is required"
    return None
