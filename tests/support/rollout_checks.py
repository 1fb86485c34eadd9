"""Hold what a roll-out did to every journey against its preview, and against the core."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from journey import decisions
from journey.appointment_book import HistoryNeeded
from journey.drift import evaluation
from journey.engine import is_due_between, needs_history
from journey.events import Event, from_canonical
from journey.rhythm import CompanyMedians, MedianRecords
from journey.stages import Rulebook, rulebook_from
from journey.state import State, unpack
from journey.time import Micros, to_micros

_ROWS = (
    "select r.id, r.state, r.version, r.current_stage, u.external_id, r.customer_id from customer_relationships r"
    " join customers u on u.company_id = r.company_id and u.id = r.customer_id where r.company_id = %s"
)
_EVENTS = (
    "select customer_id, version, rules_version, received_at, payload from journey_events where company_id = %s"
    " and outcome = 'applied' and type <> 'customers.merged' order by version, occurred_at, event_id"
)
_VERSIONS = "select version, effective_at, stages, scoring, runs_actions from rulebook_versions where company_id = %s"
_MEDIANS = (
    "select (extract(epoch from counts_from) * 1000000)::bigint, gap::float, services from company_medians"
    " where company_id = %s order by version"
)


@dataclass(frozen=True)
class Stored:
    """A journey's row."""

    state: State
    version: int
    stage: str
    customer: str
    customer_key: int


@dataclass
class Comparison:
    """How many journeys were as the preview said, and what happened to the others.

    Attributes:
        counts: Number of journeys that are ``as planned``; that only ``time`` has moved between the preview and now;
            that had an ``event``, and are as the core decides it; that are ``new``.
        differences: Journeys that nothing explains, as text.
    """

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def stored_journeys(url: str, company: int) -> dict[int, Stored]:
    """Return every journey of a company by relationship id."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(_ROWS, [company]).fetchall()
    return {key: Stored(unpack(state), version, *rest) for key, state, version, *rest in rows}


def rulebooks(url: str, company: int) -> dict[int, Rulebook]:
    """Return every version of a company's rules, with the medians of now."""
    with psycopg.connect(url) as connection:
        versions = connection.execute(_VERSIONS, [company]).fetchall()
        medians = MedianRecords(CompanyMedians(*row) for row in connection.execute(_MEDIANS, [company]).fetchall())
    found: dict[int, Rulebook] = {}
    for version, at, stages, scoring, runs_actions in versions:
        fields = {"stages": stages, "scoring": scoring}
        made = rulebook_from(fields, version=version, changed_at=to_micros(at), runs_actions=runs_actions)
        found[version] = made.with_medians(medians)
    return found


def compare(url: str, company: int, before: dict[int, Stored], preview_id: int, version: int) -> Comparison:
    """Compare every journey with the preview, and with the core.

    Args:
        url: The database, as superuser.
        company: The company.
        before: Its journeys at the preview.
        preview_id: The preview.
        version: The version that was rolled out, which is still in force.
    """
    after, books = stored_journeys(url, company), rulebooks(url, company)
    with psycopg.connect(url) as connection:
        as_of, now = _one(connection, "select as_of, clock_timestamp() from rule_previews where id = %s", preview_id)
        planned: dict[int, list[str]] = dict(
            connection.execute(
                "select relationship_id, array[from_stage, to_stage] from rule_preview_customers"
                " where preview_id = %s and from_stage <> to_stage",
                [preview_id],
            ).fetchall()
        )
        ledger: defaultdict[int, list[tuple[int, int, datetime, Event]]] = defaultdict(list)
        for key, number, rules, received, payload in connection.execute(_EVENTS, [company]).fetchall():
            ledger[key].append((number, rules, received, from_canonical(payload)))
    new, old = books[version], books[version - 1]
    found, since, until = Comparison(), to_micros(as_of), to_micros(now)
    for relationship, journey in after.items():
        known = before.get(relationship)
        if known is None:
            found.counts["new"] += 1
            continue
        entries = ledger[journey.customer_key]
        has_event = any(number > known.version for number, *_ in entries)
        said = planned.get(relationship, [None, evaluation(known.state, old, since).state.stage])[1]
        decided = _replayed(known, entries, books, new, until)
        is_due = any(is_due_between(known.state, rules, since, until) for rules in (old, new))
        if journey.stage != decided:
            found.differences.append(f"{journey.customer}: {journey.stage}, and the core says {decided}")
        elif has_event:
            found.counts["event"] += 1
        elif journey.stage == said:
            found.counts["as planned"] += 1
        elif is_due:
            found.counts["time"] += 1
        else:
            found.differences.append(f"{journey.customer}: {journey.stage}, and the preview says {said}")
    return found


def _replayed(
    known: Stored,
    entries: list[tuple[int, int, datetime, Event]],
    books: dict[int, Rulebook],
    new: Rulebook,
    now: Micros,
) -> str | None:
    """Return the stage that the core decides: the events since then, each by the version that it was decided by."""
    state = known.state
    history = [event for number, _, _, event in entries if number <= known.version]
    commits: dict[int, list[tuple[int, datetime, Event]]] = {}
    for number, rules, received, event in entries:
        if number > known.version:
            commits.setdefault(number, []).append((rules, received, event))
    for commit in commits.values():
        rules, received, _ = commit[0]
        events = [event for _, _, event in commit]
        state = _decide(state, events, books[rules], to_micros(received), history)
        history += events
    return _decide(state, [], new, now, history).stage


def _decide(state: State, events: list[Event], rulebook: Rulebook, now: Micros, history: list[Event]) -> State:
    if not needs_history(state):
        try:
            return decisions.decide(state, events, rulebook, now).state
        except HistoryNeeded:
            pass
    return decisions.decide(state, events, rulebook, now, history=history).state


def _one(connection: psycopg.Connection[Any], statement: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return tuple(row)
