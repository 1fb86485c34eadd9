"""Parse and deduplicate the messages of one commit."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import msgspec
import orjson

from contracts import names
from contracts.messages import COMMANDS, HISTORY, JourneyCommand
from db.journeys.ledger import LedgerEntry
from db.journeys.ledger_snapshot import LedgerRow, LedgerSnapshot
from journey.event_validation import InvalidEvent, from_fields
from journey.events import Event, canonical, content_hash, quarantine_hash, quarantine_id
from journey.time import Micros

RAW_LIMIT = 20_000  # characters kept of a message that could not be parsed
REASON_LIMIT = 1000  # characters

#: A message's name and the JSON text of each of its arguments.
RawMessage = tuple[str, list[str]]


@dataclass
class MessageBatch:
    """The parsed messages of one commit, in order of arrival.

    Attributes:
        events: Valid events, not yet deduplicated.
        quarantined: Ledger entries of everything that could not be parsed.
        commands: Commands; for one that could not be parsed, the reason.
        until: Evaluate nothing after this instant (µs), because more history follows at once.
        history: Ids of the events on which no action is taken; None if there are none.
        act: The actions of the journey's current stage are requested.
        rebuild: The journey's state is to be made anew from its ledger.
        profile_changed: The customer's profile has changed; actions that wait for it are to be tried again.
        others: Other customers for whom events came; they may have been merged with this one.
    """

    events: list[Event] = field(default_factory=list)
    quarantined: list[LedgerEntry] = field(default_factory=list)
    commands: list[JourneyCommand | str] = field(default_factory=list)
    until: Micros | None = None
    history: set[str] | None = None
    act: bool = False
    rebuild: bool = False
    profile_changed: bool = False
    others: set[str] = field(default_factory=set)


def parse_messages(
    messages: Iterable[RawMessage], customer_id: str, now: Micros, same: Collection[str] = ()
) -> MessageBatch:
    """Parse raw messages one by one; whatever cannot be parsed becomes a quarantined ledger entry.

    Args:
        messages: The messages.
        customer_id: The journey's customer.
        now: The time of the commit.
        same: Other ids of this customer.
    """
    batch, ids = MessageBatch(), {customer_id, *same}
    for name, arguments in messages:
        batch.until = None
        try:
            values = [orjson.loads(argument) for argument in arguments]
        except ValueError as error:
            if name in COMMANDS:
                batch.commands.append(f"not JSON: {error}")
                continue
            batch.quarantined.append(quarantined(name, "\n".join(arguments), f"not JSON: {error}"))
            continue
        if name == names.EVENTS_SIGNAL and values:
            _parse_events(batch, values, ids, now)
        elif name in COMMANDS:
            batch.commands.append(_parse_command(name, values[0]))
        elif name == names.ACT_SIGNAL:
            batch.act = True
        elif name == names.REBUILD_SIGNAL:
            batch.rebuild = True
        elif name == names.EVALUATE_SIGNAL:
            batch.profile_changed |= names.PROFILE_CHANGED in values
        else:
            batch.quarantined.append(quarantined(name, "\n".join(arguments), f"unknown message {name!r}"))
    return batch


def _parse_events(batch: MessageBatch, values: list[object], ids: Collection[str], now: Micros) -> None:
    listed = values[0] if isinstance(values[0], list) else [values[0]]
    first_new = len(batch.events)
    for fields in listed:
        try:
            event = from_fields(fields, now=now)
            if event.customer not in ids:
                batch.others.add(event.customer)
                raise InvalidEvent("customer_id", event.customer, "the event belongs to another customer")
        except InvalidEvent as error:
            raw = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()  # the gateway looks for the same text
            batch.quarantined.append(quarantined("event", raw, str(error)))
        else:
            batch.events.append(event)
    if len(values) > 1 and isinstance(values[1], int):
        batch.until = Micros(values[1])
    if values[2:] == [HISTORY]:
        batch.history = (batch.history or set()) | {event.id for event in batch.events[first_new:]}


def _parse_command(name: str, fields: object) -> JourneyCommand | str:
    """Parse a command; return the reason if it cannot be parsed."""
    try:
        return msgspec.convert(fields, COMMANDS[name])
    except msgspec.ValidationError as error:
        return str(error)


def deduplicate(
    batch: MessageBatch, known: LedgerSnapshot, own_version: int | None
) -> tuple[list[Event], list[LedgerEntry]]:
    """Return the events that are new, and the ledger entries to be written.

    Args:
        batch: The parsed messages.
        known: What the ledger already has of these event ids.
        own_version: Version of an earlier attempt of this commit, whose rows will be replaced and do not count.
    """
    events: list[Event] = []
    entries: list[LedgerEntry] = []
    first: dict[str, bytes] = {}
    for event in batch.events:
        payload = canonical(event)
        fingerprint = content_hash(payload)
        rows = known.events.get(event.id, ())
        own = [row for row in rows if row.is_of_attempt(known.customer_key, own_version)]
        earlier = [row for row in rows if row not in own]
        applied = next((row.content_hash for row in earlier if row.outcome == "applied"), first.get(event.id))
        if applied == fingerprint:
            continue  # a duplicate leaves no trace
        entry = LedgerEntry(event.id, fingerprint, "applied", event.type, payload["occurred_at"], payload)
        if applied is None and _refused_before(earlier, own) in {None, fingerprint}:
            first[event.id] = fingerprint
            events.append(event)
        else:
            entry.outcome, entry.reason = "conflict", "an event with this id and other content came first"
            if any(row.content_hash == fingerprint for row in earlier):
                continue  # the same conflict is already on record
        entries.append(entry)
    return events, entries + batch.quarantined


def _refused_before(earlier: Iterable[LedgerRow], own: Iterable[LedgerRow]) -> bytes | None:
    """Return the content of the first retraction with an event's id that has no effect, or has waited for its event.

    It occupies the id, since it may take effect yet.
    """
    found = [row for row in own if row.has_waited]
    found += [row for row in earlier if row.outcome == "quarantined" and row.type is not None]
    return found[0].content_hash if found else None


def quarantined(name: str, raw: str, reason: str) -> LedgerEntry:
    """Return the ledger entry of a message that has no effect; ``raw`` is its arguments' text."""
    fingerprint = quarantine_hash(name, raw)
    return LedgerEntry(
        quarantine_id(fingerprint),
        fingerprint,
        "quarantined",
        raw=raw[:RAW_LIMIT],
        reason=reason[:REASON_LIMIT],
    )
