"""Every problem of one event, for reports that people work through: `from_fields` stops at the first."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from journey.event_validation import InvalidEvent, from_fields
from journey.events import EVENT_TYPES, Event
from journey.time import Micros

MAX_PROBLEMS = 10  # of one event in a request: each costs a round of validation, and requests come from outside

_decode = msgspec.json.Decoder().decode

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


def event_or_problems(
    fields: object, *, now: Micros | None = None, email_ids: bool = True
) -> Event | list[InvalidEvent]:
    """The event of an already decoded JSON object, or everything that is wrong with it, in the order found.

    Args:
        fields: The object.
        now: µs since 1970; refuses what is more than five minutes later.
        email_ids: Whether the customer's id may be an e-mail address.
    """
    check = partial(from_fields, now=now, email_ids=email_ids)
    try:
        return check(fields)
    except InvalidEvent as first:
        if not isinstance(fields, dict):
            return [first]
        return _all(dict(fields), first, check, len(fields) + len(_VALID))


def further_problems(
    raw: bytes, first: InvalidEvent, *, now: Micros | None = None, email_ids: bool = True
) -> list[InvalidEvent]:
    """Return what else is wrong with an event that `parse` refused, after its first problem.

    Args:
        raw: Its JSON text.
        first: The error of `parse`.
        now: As for `parse`.
        email_ids: As for `parse`.

    Returns:
        The first problem and at most nine others, each of another field.
    """
    try:
        fields = _decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return [first]
    if not isinstance(fields, dict) or first.field == "(body)":
        return [first]
    return _all(fields, first, partial(from_fields, now=now, email_ids=email_ids), MAX_PROBLEMS)


def _all(
    fields: dict[str, Any], problem: InvalidEvent, check: Callable[[object], Event], most: int
) -> list[InvalidEvent]:
    found: list[InvalidEvent] = []
    # each round repairs one field, so that this ends
    for _ in range(most):
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
            check(fields)
        except InvalidEvent as following:
            problem = following
        else:
            break
    return found


def _belongs(field: str, fields: dict[str, Any]) -> bool:
    """Whether events of this type have the field."""
    cls = EVENT_TYPES.get(str(fields.get("type")))
    return field == "type" or field in (cls or Event).__struct_fields__
