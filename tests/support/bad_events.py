"""Events that must be refused, each with the field that is to blame: for the core, the gateway and the import alike."""

import json
from typing import Any, NamedTuple

BODY = "(body)"  # to blame when the text is no JSON object at all

CALL = {
    "id": "e1",
    "type": "call.received",
    "customer_id": "c1",
    "occurred_at": "2026-03-12T09:00:00Z",
    "duration_seconds": 90,
}
_BARE = {key: value for key, value in CALL.items() if key != "duration_seconds"}
VISIT = {**_BARE, "type": "appointment.completed", "amount": "49.90"}
REFUND = {**_BARE, "type": "payment.adjusted", "amount": "-49.90"}
REQUEST = {**_BARE, "type": "appointment.requested"}
TICKET = {**_BARE, "type": "support_ticket.opened", "ticket_id": "t1"}
FEEDBACK = {**_BARE, "type": "feedback.received", "rating": 4}
MISSED = {**_BARE, "type": "appointment.missed"}
GOOD = [CALL, VISIT, REFUND, REQUEST, TICKET, FEEDBACK, MISSED]

ABSENT = object()


class BadEvent(NamedTuple):
    """``raw`` is what is sent; ``field`` what the answer must name. None are refused for their age or future alone but
    those whose name says so."""

    name: str
    raw: bytes
    field: str


def _with(base: dict[str, Any], field: str, value: object) -> bytes:
    """The base event as JSON with one field set, or taken away (ABSENT)."""
    changed = {**base, field: value}
    if value is ABSENT:
        del changed[field]
    return json.dumps(changed).encode()


def _spliced(base: dict[str, Any], field: str, text: bytes) -> bytes:
    """The base event with one field's value written as given, whether that is JSON or not."""
    return _with(base, field, "SPLICE").replace(b'"SPLICE"', text)


_SET: list[tuple[str, dict[str, Any], str, object]] = [
    ("id is missing", CALL, "id", ABSENT),
    ("id is null", CALL, "id", None),
    ("id is empty", CALL, "id", ""),
    ("id is a number", CALL, "id", 17),
    ("id has 129 characters", CALL, "id", "x" * 129),
    ("id has a NUL", CALL, "id", "a\x00b"),
    ("id has a line break", CALL, "id", "a\nb"),
    ("id has a direction override", CALL, "id", "a\u202eb"),
    ("id is a list", CALL, "id", ["a"]),
    ("type is missing", CALL, "type", ABSENT),
    ("type is unknown", CALL, "type", "call.made"),
    ("type in capitals", CALL, "type", "CALL.RECEIVED"),
    ("type is null", CALL, "type", None),
    ("type is a number", CALL, "type", 1),
    ("type is an object", CALL, "type", {"is": "call.received"}),
    ("customer is missing", CALL, "customer_id", ABSENT),
    ("customer is null", CALL, "customer_id", None),
    ("customer is empty", CALL, "customer_id", ""),
    ("customer is a fraction", CALL, "customer_id", 1.5),
    ("customer is a boolean", CALL, "customer_id", True),
    ("customer has a blank", CALL, "customer_id", "a b"),
    ("customer has a line break at its end", CALL, "customer_id", "c1\n"),
    ("customer is a dot", CALL, "customer_id", "."),
    ("customer is two dots", CALL, "customer_id", ".."),
    ("customer has a slash", CALL, "customer_id", "../c2"),
    ("customer has a NUL", CALL, "customer_id", "c1\x00"),
    ("customer has a letter with an accent", CALL, "customer_id", "zoé"),
    ("customer has digits of another script", CALL, "customer_id", "١٢"),
    ("customer has 65 characters", CALL, "customer_id", "c" * 65),
    ("customer is a number of 65 digits", CALL, "customer_id", 10**64),
    ("customer is an object", CALL, "customer_id", {"$ne": ""}),
    ("time is missing", CALL, "occurred_at", ABSENT),
    ("time is null", CALL, "occurred_at", None),
    ("time is naive", CALL, "occurred_at", "2026-03-12T09:00:00"),
    ("time is a date", CALL, "occurred_at", "2026-03-12"),
    ("time is a number", CALL, "occurred_at", 1773306000),
    ("time is empty", CALL, "occurred_at", ""),
    ("time is words", CALL, "occurred_at", "yesterday"),
    ("time on 30 February", CALL, "occurred_at", "2026-02-30T09:00:00Z"),
    ("time at 25 o'clock", CALL, "occurred_at", "2026-03-12T25:00:00Z"),
    ("time with an impossible offset", CALL, "occurred_at", "2026-03-12T09:00:00+99:00"),
    ("time before 1900", CALL, "occurred_at", "1899-12-31T23:59:59Z"),
    ("time in year 1, east of Greenwich", CALL, "occurred_at", "0001-01-01T00:00:00+14:00"),
    ("time in year 9999, west of Greenwich", CALL, "occurred_at", "9999-12-31T23:59:59-14:00"),
    ("time in the far future", CALL, "occurred_at", "2199-01-01T00:00:00Z"),
    ("duration is missing", CALL, "duration_seconds", ABSENT),
    ("duration is null", CALL, "duration_seconds", None),
    ("duration is text", CALL, "duration_seconds", "90"),
    ("duration is a boolean", CALL, "duration_seconds", True),
    ("duration is negative", CALL, "duration_seconds", -1),
    ("duration is barely negative", CALL, "duration_seconds", -0.001),
    ("duration is huge", CALL, "duration_seconds", 10**30),
    ("duration is a huge float", CALL, "duration_seconds", 1e300),
    ("direction is unknown", CALL, "direction", "sideways"),
    ("direction is a number", CALL, "direction", 1),
    ("call rating is 6", CALL, "rating", 6),
    ("call rating is a boolean", CALL, "rating", True),
    ("call has an unknown field", CALL, "Duration_Seconds", 90),
    ("call has another type's field", CALL, "amount", "1.00"),
    ("unknown field with an odd name", CALL, "` - at `$.id`", 1),
    ("unknown field without a name", CALL, "", 1),
    ("amount is null", VISIT, "amount", None),
    ("amount is negative", VISIT, "amount", "-0.01"),
    ("amount is a negative number", VISIT, "amount", -1),
    ("amount has three decimals", VISIT, "amount", "1.005"),
    ("amount is a number with three decimals", VISIT, "amount", 1.005),
    ("amount has a trace in the 40th decimal", VISIT, "amount", "1.5" + "0" * 38 + "1"),
    ("amount has 300 digits", VISIT, "amount", "9" * 300),
    ("amount is a number of 300 digits", VISIT, "amount", 10**300),
    ("amount is over the limit", VISIT, "amount", "100000000.00"),
    ("amount is NaN as text", VISIT, "amount", "NaN"),
    ("amount is a signalling NaN", VISIT, "amount", "sNaN"),
    ("amount is infinite as text", VISIT, "amount", "Infinity"),
    ("amount is tiny beyond any exponent", VISIT, "amount", "1e-999999999999999999"),
    ("amount has a huge exponent", VISIT, "amount", "1e999999"),
    ("amount is empty", VISIT, "amount", ""),
    ("amount has a comma", VISIT, "amount", "49,90"),
    ("amount has a currency", VISIT, "amount", "€49.90"),
    ("amount has an underscore", VISIT, "amount", "1_000"),
    ("amount has underscores in its decimals", VISIT, "amount", "1_2.5_0"),
    ("amount has blanks", VISIT, "amount", " 1 "),
    ("amount has digits of another script", VISIT, "amount", "１２.５０"),
    ("amount as text has an exponent", VISIT, "amount", "1E+2"),
    ("amount ends with a point", VISIT, "amount", "5."),
    ("amount begins with a point", VISIT, "amount", ".5"),
    ("refund has an underscore", REFUND, "amount", "-1_0"),
    ("amount is a boolean", VISIT, "amount", True),
    ("amount is a list", VISIT, "amount", ["49.90"]),
    ("appointment id is empty", VISIT, "appointment_id", ""),
    ("appointment id is a number", VISIT, "appointment_id", 5),
    ("appointment id has a NUL", VISIT, "appointment_id", "\x00"),
    ("refund without amount", REFUND, "amount", ABSENT),
    ("refund under the limit", REFUND, "amount", "-100000000"),
    ("refund is minus infinity", REFUND, "amount", "-Infinity"),
    ("call of a request is negative", REQUEST, "call_duration_seconds", -5),
    ("request scheduled for a naive time", REQUEST, "scheduled_for", "2026-03-12T09:00:00"),
    ("request scheduled for a number", REQUEST, "scheduled_for", 0),
    ("request scheduled outside of the calendar", REQUEST, "scheduled_for", "9999-12-31T23:59:59-14:00"),
    ("missed appointment with an amount", MISSED, "amount", "5.00"),
    ("ticket is missing", TICKET, "ticket_id", ABSENT),
    ("ticket has 65 characters", TICKET, "ticket_id", "t" * 65),
    ("ticket has a tab", TICKET, "ticket_id", "t\t1"),
    ("rating is missing", FEEDBACK, "rating", ABSENT),
    ("rating is 0", FEEDBACK, "rating", 0),
    ("call rating is a fraction", CALL, "rating", 4.5),
    ("customer is a number beyond any exactness", CALL, "customer_id", 1e300),
    ("rating is a fraction", FEEDBACK, "rating", 4.5),
    ("rating is text", FEEDBACK, "rating", "5"),
    ("rating is a boolean", FEEDBACK, "rating", True),
    ("comment has a NUL", FEEDBACK, "comment", "good\x00"),
    ("comment has 4001 characters", FEEDBACK, "comment", "x" * 4001),
    ("comment is an object", FEEDBACK, "comment", {"text": "good"}),
]

_RAW: list[BadEvent] = [
    BadEvent("nothing", b"", BODY),
    BadEvent("blanks", b"  \t ", BODY),
    BadEvent("null", b"null", BODY),
    BadEvent("a number", b"42", BODY),
    BadEvent("a text", b'"call.received"', BODY),
    BadEvent("an empty list", b"[]", BODY),
    BadEvent("a list of one event", b"[" + json.dumps(CALL).encode() + b"]", BODY),
    BadEvent("an empty object", b"{}", "type"),
    BadEvent("broken off", json.dumps(CALL).encode()[:-20], BODY),
    BadEvent("two events in one", json.dumps(CALL).encode() * 2, BODY),
    BadEvent("single quotes", str(CALL).encode(), BODY),
    BadEvent("a comma at the end", json.dumps(CALL).encode()[:-1] + b",}", BODY),
    BadEvent("UTF-16", json.dumps(CALL).encode("utf-16"), BODY),
    BadEvent("bytes that are no text", bytes(range(128, 256)), BODY),
    BadEvent("10000 lists deep", b"[" * 10_000 + b"]" * 10_000, BODY),
    BadEvent("10000 objects deep, unclosed", b'{"a":' * 10_000, BODY),
    BadEvent("broken UTF-8 in the id", _spliced(CALL, "id", b'"a\xff\xfe"'), BODY),
    BadEvent("overlong UTF-8 in the id", _spliced(CALL, "id", b'"\xc0\xaf"'), BODY),
    BadEvent("a surrogate in UTF-8 in the id", _spliced(CALL, "id", b'"\xed\xa0\x80"'), BODY),
    BadEvent("a lone surrogate in the id", _spliced(CALL, "id", b'"\\ud800"'), BODY),
    BadEvent("a lone surrogate in the comment", _spliced(FEEDBACK, "comment", b'"\\udc00"'), BODY),
    BadEvent("a raw line break in the id", _spliced(CALL, "id", b'"a\nb"'), BODY),
    BadEvent("duration is NaN", _spliced(CALL, "duration_seconds", b"NaN"), BODY),
    BadEvent("duration is Infinity", _spliced(CALL, "duration_seconds", b"Infinity"), BODY),
    BadEvent("duration is over the range of floats", _spliced(CALL, "duration_seconds", b"1e999"), BODY),
    BadEvent("duration has a leading zero", _spliced(CALL, "duration_seconds", b"090"), BODY),
    BadEvent("duration has 5000 digits", _spliced(CALL, "duration_seconds", b"9" * 5000), BODY),
    BadEvent("amount is NaN", _spliced(VISIT, "amount", b"NaN"), BODY),
    BadEvent("id is 10000 lists deep", _spliced(CALL, "id", b"[" * 10_000 + b"]" * 10_000), BODY),
    BadEvent("id is 500 lists deep", _spliced(CALL, "id", b"[" * 500 + b"]" * 500), "id"),
    BadEvent("the amount twice", json.dumps(VISIT).encode()[:-1] + b', "amount": "1.00"}', "amount"),
    BadEvent("the id twice, once escaped", b'{"\\u0069d": "other", ' + json.dumps(CALL).encode()[1:], "id"),
]

BAD_EVENTS: list[BadEvent] = [
    BadEvent(name, _with(base, field, value), field) for name, base, field, value in _SET
] + _RAW
