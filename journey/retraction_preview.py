"""What a retraction would change, without making it."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from journey.decisions import decide
from journey.events import Event, EventRetracted, quarantine_hash
from journey.explain import money_text
from journey.refold import ManualMove
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros, to_datetime, utc_text

MAX_ID = 128  # characters of an event's id
PREFIX = "retraction:"


class NotRetractable(Exception):
    """The event cannot be retracted; `is_retracted` says whether it was before."""

    def __init__(self, problem: str, *, is_retracted: bool = False) -> None:
        super().__init__(problem)
        self.is_retracted = is_retracted


class RetractionPreview(Struct, frozen=True):
    """The journey before and after a retraction: ``stage``, ``total_appointments`` and other figures, by name."""

    before: dict[str, Any]
    after: dict[str, Any]
    is_held: bool


def find_event(history: Iterable[Event], event_id: str) -> Event | None:
    """Return the applied event with an id, if it can be retracted; None if there is none.

    Raises:
        NotRetractable: It is a retraction, or was retracted before.
    """
    found: Event | None = None
    for event in history:
        if event.id == event_id:
            found = event
        elif type(event) is EventRetracted and event.retracts == event_id:
            raise NotRetractable(f"the event was retracted by {event.id} already", is_retracted=True)
    if type(found) is EventRetracted:
        raise NotRetractable("a retraction cannot be retracted; send the event again with a new id")
    return found


def retraction_of(event: Event, customer_id: str, now: Micros, reason: str | None) -> EventRetracted:
    """Return the retraction of an event. Its id follows from the event's, so that a double click counts once.

    Args:
        event: The event, perhaps of a customer who was merged into this one.
        customer_id: Whose journey it is.
        now: The time of the retraction.
        reason: Why, or None.
    """
    id_ = PREFIX + event.id
    if len(id_) > MAX_ID:
        id_ = PREFIX + quarantine_hash("retraction", event.id).hex()
    return EventRetracted(
        id=id_, customer_id=customer_id, occurred_at=to_datetime(now), retracts=event.id, reason=reason or None
    )


def preview_retraction(
    state: State, history: Sequence[Event], manual: Iterable[ManualMove], rulebook: Rulebook, event: Event, now: Micros
) -> RetractionPreview:
    """Compute what the retraction of an event would change now.

    Args:
        state: The journey's state.
        history: All applied events of the journey.
        manual: Its manual moves.
        rulebook: The company's rules.
        event: The event, one of ``history``.
        now: The time of the retraction.
    """
    before = decide(state, [], rulebook, now, history=history).state
    after = decide(state, [retraction_of(event, event.customer, now, None)], rulebook, now, (), history, manual).state
    return RetractionPreview(_figures(before, now), _figures(after, now), after.held)


def _figures(state: State, now: Micros) -> dict[str, Any]:
    facts = state.facts
    return {
        "stage": state.stage,
        "total_appointments": facts.completed,
        "lifetime_value": money_text(facts.value),
        "missed_appointments": facts.missed,
        "last_appointment_at": _text(facts.last_appointment_at),
        "next_appointment_at": _text(facts.next_booked(now)),
        "risk_score": money_text(state.risk),
        "engagement_score": money_text(state.engagement),
    }


def _text(instant: Micros | None) -> str | None:
    return None if instant is None else utc_text(instant)
