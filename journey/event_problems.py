"""Every problem of one event, for reports that people work through: `from_fields` stops at the first."""

from typing import Any

from journey.event_validation import InvalidEvent, from_fields
from journey.events import EVENT_TYPES, Event
from journey.time import Micros

#: A valid value for each field, put in the place of one that is reported, so that the next problem can be found.
_VALID: dict[str, Any] = {
    "id": "e",
    "type": "appointment.missed",
    "customer_id": "c",
    "occurred_at": "2026-01-01T00:00:00Z",
    "duration_seconds": 0,
    "call_duration_seconds": 0,
    "amount": "0",
    "ticket_id": "t",
    "rating": 3,
}


def event_or_problems(fields: object, *, now: Micros | None = None) -> Event | list[InvalidEvent]:
    """The event of an already decoded JSON object, or everything that is wrong with it, in the order found.

    Args:
        fields: The object.
        now: µs since 1970; refuses what is more than five minutes later.
    """
    try:
        return from_fields(fields, now=now)
    except InvalidEvent as first:
        if not isinstance(fields, dict):
            return [first]
        return _all(dict(fields), first, now)


def _all(fields: dict[str, Any], problem: InvalidEvent, now: Micros | None) -> list[InvalidEvent]:
    found: list[InvalidEvent] = []
    # each round repairs one field, so that this ends
    for _ in range(len(fields) + len(_VALID)):
        if problem.field in {earlier.field for earlier in found}:
            break
        found.append(problem)
        if problem.field == "type":
            # the fields of an unknown type are unknown, too: only what every event has is looked at
            fields = {name: value for name, value in fields.items() if name in Event.__struct_fields__}
        if problem.field in _VALID and _belongs(problem.field, fields):
            fields[problem.field] = _VALID[problem.field]
        else:
            fields.pop(problem.field, None)
        try:
            from_fields(fields, now=now)
        except InvalidEvent as following:
            problem = following
        else:
            break
    return found


def _belongs(field: str, fields: dict[str, Any]) -> bool:
    """Whether events of this type have the field."""
    cls = EVENT_TYPES.get(str(fields.get("type")))
    return field == "type" or field in (cls or Event).__struct_fields__
