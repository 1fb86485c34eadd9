"""Request formats for events: flat JSON, a batch of it, and CloudEvents 1.0.

Fields stay raw JSON until the event itself is parsed, so that no number passes through a float.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from journey.event_problems import further_problems
from journey.event_validation import InvalidEvent, parse
from journey.events import EVENT_TYPES, Event
from journey.time import Micros

MAX_EVENTS = 1000
JSON = "application/json"
CLOUDEVENT = "application/cloudevents+json"
CLOUDEVENTS = "application/cloudevents-batch+json"
CONTENT_TYPES = (JSON, CLOUDEVENT, CLOUDEVENTS)

Parsed = Event | list[InvalidEvent]

_object = msgspec.json.Decoder(dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)
_any = msgspec.json.Decoder()

#: names of event fields in a CloudEvent, for error messages
_ATTRIBUTES = {"customer_id": "subject", "occurred_at": "time"}
_OWN = ("id", "type", "customer_id", "occurred_at")


def parse_body(
    body: bytes, content_type: str, now: Micros, *, email_ids: bool = True
) -> list[tuple[str | None, Parsed]]:
    """Parse the events of a request body.

    Args:
        body: The request body.
        content_type: One of CONTENT_TYPES.
        now: The current time in µs.
        email_ids: Whether customers' ids may be e-mail addresses.

    Returns:
        For each event in order, its id (None if it cannot be read) and either the event or its errors.

    Raises:
        InvalidEvent: The body as a whole is invalid.
    """
    parse_flat = partial(_parse_flat, now=now, email_ids=email_ids)
    parse_cloudevent = partial(_parse_cloudevent, parse_flat=parse_flat)
    if content_type == CLOUDEVENT:
        return [_read(body, parse_cloudevent)]
    if content_type == CLOUDEVENTS:
        return [_read(bytes(raw), parse_cloudevent) for raw in _elements(body, "(body)")]
    try:
        fields = _object.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fields = {}
    if "events" not in fields or "type" in fields:
        return [_read(body, parse_flat)]
    if len(fields) > 1:
        unknown = next(name for name in fields if name != "events")
        raise InvalidEvent(unknown, _any.decode(fields[unknown]), "unknown field; a batch has only `events`")
    return [_read(bytes(raw), parse_flat) for raw in _elements(bytes(fields["events"]), "events")]


def _elements(text: bytes, place: str) -> list[Raw]:
    try:
        elements = _list.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidEvent(place, text.decode("utf-8", "replace"), "a list of events") from None
    if not 1 <= len(elements) <= MAX_EVENTS:
        raise InvalidEvent(place, f"{len(elements)} events", f"1 to {MAX_EVENTS} events")
    return elements


def _read(text: bytes, parse_one: Callable[[bytes], Parsed]) -> tuple[str | None, Parsed]:
    try:
        event = parse_one(text)
    except InvalidEvent as error:
        event = [error]
    return event.id if isinstance(event, Event) else _visible_id(text), event


def _parse_flat(text: bytes, now: Micros, email_ids: bool) -> Parsed:
    try:
        return parse(text, now=now, email_ids=email_ids)
    except InvalidEvent as first:
        return further_problems(text, first, now=now, email_ids=email_ids)


def _visible_id(text: bytes) -> str | None:
    try:
        value = _text.decode(_object.decode(text)["id"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return None
    return value[:128]


def _parse_cloudevent(text: bytes, parse_flat: Callable[[bytes], Parsed]) -> Parsed:
    """Parse a CloudEvent.

    The event id is `source`, a space and `id`; it is unique, because a source is a URI reference and contains no space.
    The type may have a prefix such as ``com.example.``. Extension attributes are ignored.
    """
    try:
        attributes = _object.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = text.decode("utf-8", "replace")
        raise InvalidEvent("(body)", shown, f"one CloudEvent as a JSON object in UTF-8: {error}") from None
    if _attribute(attributes, "specversion") != "1.0":
        raise InvalidEvent("specversion", _attribute(attributes, "specversion"), "1.0")
    if "data_base64" in attributes:
        raise InvalidEvent("data_base64", "binary data", "the event's fields as JSON in data")
    if "datacontenttype" in attributes and "json" not in _attribute(attributes, "datacontenttype"):
        raise InvalidEvent("datacontenttype", _attribute(attributes, "datacontenttype"), JSON)
    fields: dict[str, Any] = _data(attributes)
    source = _attribute(attributes, "source")
    if " " in source:
        raise InvalidEvent("source", source, "a URI reference, which has no spaces")
    fields["id"] = f"{source} {_attribute(attributes, 'id')}"
    fields["type"] = _event_type(_attribute(attributes, "type"))
    fields["customer_id"] = _attribute(attributes, "subject")
    fields["occurred_at"] = _attribute(attributes, "time")
    event = parse_flat(msgspec.json.encode(fields))
    if isinstance(event, Event):
        return event
    return [InvalidEvent(_ATTRIBUTES.get(error.field, error.field), error.value, error.problem) for error in event]


def _attribute(attributes: dict[str, Raw], name: str) -> str:
    if name not in attributes:
        raise InvalidEvent(name, "nothing", "required")
    try:
        value = _text.decode(attributes[name])
    except (msgspec.DecodeError, UnicodeDecodeError):
        shown = bytes(attributes[name]).decode("utf-8", "replace")
        raise InvalidEvent(name, shown, "expected text") from None
    if not value:
        raise InvalidEvent(name, value, "at least one character")
    return value


def _data(attributes: dict[str, Raw]) -> dict[str, Any]:
    if "data" not in attributes:
        return {}
    try:
        data: dict[str, Any] = dict(_object.decode(attributes["data"]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        shown = bytes(attributes["data"]).decode("utf-8", "replace")
        raise InvalidEvent("data", shown, "one JSON object") from None
    for name in _OWN:
        if name in data:
            raise InvalidEvent(f"data.{name}", "present", "belongs in the attributes, not in data")
    return data


def _event_type(name: str) -> str:
    for known in EVENT_TYPES:
        if name == known or name.endswith("." + known):
            return known
    return name
