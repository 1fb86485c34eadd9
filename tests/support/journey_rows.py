"""Insert whole journeys in bulk: decided by the core, written with COPY, without the other steps of a commit.

They are in the roll-up queue; `roll_up_all` rolls them up.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import orjson
import psycopg
from psycopg import sql

from activities.retracted_events import contributions_json
from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_writer import companies_with_pending_rollups, roll_up
from db.connections import Pool
from journey.decisions import decide
from journey.engine import Transition
from journey.events import Event, canonical, content_hash
from journey.explain import money_text
from journey.stages import DEFAULT_RULEBOOK
from journey.state import State, pack
from journey.time import Micros, to_datetime

COLUMNS = {
    "customers": "id, company_id, external_id",
    "customer_relationships": "id, company_id, customer_id, current_stage, stage_entered_at, lifetime_value,"
    " last_appointment_at, risk_score, engagement_score, next_deadline, next_stage, version, run_id, decided_at, state",
    "journey_transitions": "company_id, relationship_id, sequence, from_stage, to_stage, transitioned_at, stay,"
    " trigger_type, trigger_event, event_id, version, decided_at",
    "journey_events": "company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome, version,"
    " rules_version, contributions",
    "journey_unrolled": "company_id, relationship_id, version, customer_id",
}


def insert_company(url: str, company: int, customers: Iterable[list[Event]], now: int) -> None:
    """Create a company whose customers have had these events, decided by the default rules up to `now` (µs)."""
    rows: dict[str, list[Sequence[Any]]] = {table: [] for table in COLUMNS}
    for key, events in enumerate(customers, company * 1_000_000):
        decision = decide(State(), events, DEFAULT_RULEBOOK, Micros(now))
        rows["customers"].append((key, company, events[0].customer))
        rows["customer_relationships"].append((key, company, key, *_journey_row(decision.state, now)))
        rows["journey_unrolled"].append((company, key, 1, key))
        rows["journey_transitions"] += [
            (company, key, *_transition_row(move), 1, to_datetime(Micros(now))) for move in decision.transitions
        ]
        for event in events:
            found = contributions_json(decision.contributions, event)
            contributed = None if found is None else orjson.dumps(found).decode()
            rows["journey_events"].append((company, key, *_event_row(event), "applied", 1, 1, contributed))
    with psycopg.connect(url) as connection:
        connection.execute("insert into companies (id, name) values (%s, 'c')", [company])
        for table, columns in COLUMNS.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns.split(", ")))
            statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), names)
            with connection.cursor().copy(statement) as copy:
                for row in rows[table]:
                    copy.write_row(row)
        connection.execute("analyze")


async def roll_up_all(pool: Pool) -> None:
    """Roll up all queued commits, by the default stages."""
    for company in await companies_with_pending_rollups(pool):
        while await roll_up(pool, company, stages_json(DEFAULT_RULEBOOK.all_stages)):
            pass


def _journey_row(state: State, now: int) -> tuple[Any, ...]:
    last, deadline = state.facts.last_appointment_at, state.deadline
    scores = (money_text(state.risk), money_text(state.engagement))
    return (
        state.stage,
        to_datetime(state.entered_at),
        money_text(state.facts.value),
        None if last is None else to_datetime(last),
        *scores,
        None if deadline is None else to_datetime(deadline),
        state.deadline_stage,
        *(1, "run", to_datetime(Micros(now)), orjson.dumps(pack(state)).decode()),
    )


def _transition_row(move: Transition) -> tuple[Any, ...]:
    stay = None if move.since is None else timedelta(microseconds=move.at - move.since)
    where = (move.transition_number, move.from_stage, move.to_stage, to_datetime(move.at), stay)
    return (*where, move.trigger_type, move.trigger_event, move.event_id)


def _event_row(event: Event) -> tuple[Any, ...]:
    payload = canonical(event)
    return (event.id, content_hash(payload), event.type, event.occurred_at, orjson.dumps(payload).decode())
