"""What a journey was told, understood as far as it can be, and what of it is new."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import orjson

from contracts.messages import HISTORY
from contracts.requests import REQUESTS, DeskRequest
from db.journeys.ledger import LedgerEntry, LedgerSnapshot
from journey.engine import Command
from journey.events import LATEST, Event, InvalidEvent, canonical, content_hash, from_fields, to_instant

#: somebody waits for the answer to each of them, whatever it is
COMMANDS = ("set_stage", "release", *REQUESTS)
RAW_KEPT = 20_000  # characters kept of what could not be understood
LATEST_HOLD = to_instant(LATEST)


@dataclass
class Inbox:
    """The messages of one commit, understood as far as they can be, in order of arrival.

    ``history``: the ids of events that came as history, upon which nobody acts; None where none did. ``act``: the
    actions of the stage of now are wanted.
    """

    events: list[Event] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    commands: list[Command | DeskRequest | str] = field(default_factory=list)
    until: int | None = None
    history: set[str] | None = None
    act: bool = False


def read_messages(messages: Iterable[tuple[str, list[str]]], customer_id: str, now: int) -> Inbox:
    """Understand raw messages, one by one; what cannot be understood becomes a quarantined ledger entry."""
    inbox = Inbox()
    for name, arguments in messages:
        inbox.until = None
        try:
            values = [orjson.loads(argument) for argument in arguments]
        except ValueError as error:
            if name in COMMANDS:
                inbox.commands.append(f"not JSON: {error}")
                continue
            inbox.entries.append(_quarantined(name, "\n".join(arguments), f"not JSON: {error}"))
            continue
        if name == "events" and values:
            listed = values[0] if isinstance(values[0], list) else [values[0]]
            before = len(inbox.events)
            for fields in listed:
                _read_event(inbox, fields, customer_id, now)
            if len(values) > 1 and isinstance(values[1], int):
                inbox.until = values[1]
            if values[2:] == [HISTORY]:
                inbox.history = (inbox.history or set()) | {event.id for event in inbox.events[before:]}
        elif name in REQUESTS:
            inbox.commands.append(_read_request(name, values[0]))
        elif name in COMMANDS:
            inbox.commands.append(_read_command(name, values[0]))
        elif name == "act_on_stage":
            inbox.act = True
        elif name != "evaluate":
            inbox.entries.append(_quarantined(name, "\n".join(arguments), f"unknown message {name!r}"))
    return inbox


def set_aside(inbox: Inbox, messages: Iterable[tuple[str, list[str]]], reason: str) -> Inbox:
    """The same messages with none of them understood: kept in the ledger, each command answered with the reason."""
    entries = [_quarantined(name, "\n".join(texts), reason) for name, texts in messages if name not in COMMANDS]
    return Inbox(entries=entries, commands=[reason for _ in inbox.commands])


def _read_event(inbox: Inbox, fields: object, customer_id: str, now: int) -> None:
    try:
        event = from_fields(fields, now=now)
        if event.customer != customer_id:
            raise InvalidEvent("customer_id", event.customer, "this journey is another customer's")
    except InvalidEvent as error:
        inbox.entries.append(_quarantined("event", orjson.dumps(fields).decode(), str(error)))
    else:
        inbox.events.append(event)


def _read_request(name: str, fields: object) -> DeskRequest | str:
    try:
        return msgspec.convert(fields, REQUESTS[name])
    except msgspec.ValidationError as error:
        return str(error)


def _read_command(name: str, fields: dict[str, Any]) -> Command | str:
    """A command, or what is wrong with it."""
    until = fields.get("hold_until")
    try:
        instant = None if until is None else to_instant(datetime.fromisoformat(until))
    except (ValueError, TypeError) as error:
        return f"hold_until: {until!r} is not an RFC 3339 instant with an offset ({error})"
    if instant is not None and instant >= LATEST_HOLD:
        return f"hold_until: {until!r} is too far away; a hold without it lasts until it is released"
    return Command(
        kind=name,
        stage=fields.get("stage"),
        reason=fields.get("reason"),
        hold=bool(fields.get("hold")),
        hold_until=instant,
        performed_by=fields.get("performed_by"),
    )


def admit(inbox: Inbox, known: LedgerSnapshot, own_version: int | None) -> tuple[list[Event], list[LedgerEntry]]:
    """Which events count, and the ledger entries of all that are new; rows of ``own_version`` will be replaced."""
    events: list[Event] = []
    entries: list[LedgerEntry] = []
    first: dict[str, bytes] = {}
    for event in inbox.events:
        payload = canonical(event)
        fingerprint = content_hash(payload)
        earlier = [
            (stored, outcome)
            for stored, owner, version, outcome in known.events.get(event.id, ())
            if not (owner == known.customer_key and version == own_version)
        ]
        applied = next((stored for stored, outcome in earlier if outcome == "applied"), first.get(event.id))
        if applied == fingerprint:
            continue  # a duplicate leaves no trace
        entry = LedgerEntry(event.id, fingerprint, "applied", event.type, payload["occurred_at"], payload)
        if applied is None:
            first[event.id] = fingerprint
            events.append(event)
        else:
            entry.outcome, entry.reason = "conflict", "an event with this id and other content came first"
            if any(stored == fingerprint for stored, _ in earlier):
                continue  # this very conflict is on record
        entries.append(entry)
    return events, entries + inbox.entries


def _quarantined(name: str, raw: str, reason: str) -> LedgerEntry:
    fingerprint = content_hash({"name": name, "raw": raw})
    return LedgerEntry(
        f"quarantined:{fingerprint.hex()}", fingerprint, "quarantined", raw=raw[:RAW_KEPT], reason=reason[:1000]
    )
