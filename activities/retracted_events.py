"""The retractions of one commit: which of them take effect, and what that changes in the ledger."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from db.journeys.ledger import LedgerEntry
from db.journeys.ledger_snapshot import LedgerSnapshot
from journey.contributions import Contribution, usual
from journey.events import Event, EventRetracted, from_canonical
from journey.explain import money_text
from journey.retractions import Named, sort_out
from journey.time import utc_text


def ledger_ids(events: Iterable[Event]) -> list[str]:
    """Return the ids whose ledger rows decide on what these events mean: their own, and those that they retract."""
    ids: list[str] = []
    for event in events:
        ids.append(event.id)
        if type(event) is EventRetracted:
            ids.append(event.retracts)
    return ids


def take_retractions(
    events: list[Event], entries: list[LedgerEntry], known: LedgerSnapshot, own_version: int | None
) -> tuple[list[Event], dict[str, str]]:
    """Sort out the retractions among new events, and those that have waited for one of these events.

    Args:
        events: The new events.
        entries: Their ledger entries, completed in place: refused retractions become quarantined, retracted events name
            their retraction.
        known: What the ledger has of these events and of those that they name.
        own_version: As for `deduplicate`.

    Returns:
        The events to decide on, and the retraction by id of each event of earlier commits that it names.
    """
    if not known.retractions and not any(type(event) is EventRetracted for event in events):
        return events, {}
    waiting: dict[str, EventRetracted] = {}  # by id; the first content of an id counts
    for payload, outcome, version, has_waited in known.retractions:
        if outcome == "quarantined" or (has_waited and version == own_version):
            event = from_canonical(payload)
            if isinstance(event, EventRetracted):
                waiting.setdefault(event.id, event)
    found = sort_out(events, _named(known, own_version), waiting.values())
    for entry in entries:
        if entry.outcome == "applied" and (reason := found.refused.get(entry.event_id)):
            entry.outcome, entry.reason = "quarantined", reason
    retracted: dict[str, str] = {}
    for event in sorted(found.effective, key=lambda event: (event.at, event.id)):
        if type(event) is EventRetracted:
            retracted.setdefault(event.retracts, event.id)
    for entry in entries:
        if entry.outcome == "applied" and entry.event_id in retracted:
            entry.retracted_by = retracted.pop(entry.event_id)
    return found.effective, retracted


def note_contributions(
    entries: list[LedgerEntry], events: list[Event], contributions: Mapping[str, list[Contribution]]
) -> None:
    """Complete the entries of events that contribute something else to figures than is usual for their types."""
    unusual = {event.id: contributions_json(contributions, event) for event in events}
    for entry in entries:
        if entry.outcome == "applied":
            entry.contributions = unusual.get(entry.event_id)


def retraction_parameters(
    retracted: Mapping[str, str], events: Iterable[Event], contributions: Mapping[str, list[Contribution]]
) -> dict[str, str]:
    """Return the parameters by which a commit's statement writes the retractions among the events decided on."""
    rows = [
        {"id": event.id, "contributions": contributions_json(contributions, event)}
        for event in events
        if type(event) is EventRetracted
    ]
    return {"retracted": orjson.dumps(retracted).decode(), "retractions": orjson.dumps(rows).decode()}


def contributions_json(contributions: Mapping[str, list[Contribution]], event: Event) -> list[dict[str, Any]] | None:
    """Return what an event contributes as the ledger records it: None if that is the usual."""
    found = contributions.get(event.id)
    return None if found is None or found == usual(event) else [contribution_json(each) for each in found]


def _named(known: LedgerSnapshot, own_version: int | None) -> dict[str, Named]:
    return {
        event_id: Named(row.type or "", row.customer_key == known.customer_key)
        for event_id, rows in known.events.items()
        for row in rows
        if row.outcome == "applied" and not row.is_of_attempt(known.customer_key, own_version)
    }


def contribution_json(contribution: Contribution) -> dict[str, Any]:
    """Return a contribution without zeros; amounts in the company's currency as text."""
    numbers: dict[str, Any] = {"at": utc_text(contribution.at)}
    for name in ("visits", "missed"):
        if number := getattr(contribution, name):
            numbers[name] = number
    for name in ("earned", "adjusted"):
        if hundredths := getattr(contribution, name):
            numbers[name] = money_text(hundredths)
    return numbers
