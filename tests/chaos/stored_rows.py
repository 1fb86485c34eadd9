"""Read everything that Postgres stores about all journeys, in one snapshot, as the database owner."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.rows import dict_row

from contracts.names import journey_id


@dataclass
class StoredRows:
    """Rows as dicts; ledger and transitions in the order in which they were written."""

    ledger: list[dict[str, Any]]
    journeys: dict[str, dict[str, Any]]  # by workflow id
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    transitions: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))


def read(database_url: str) -> StoredRows:
    """Read the rows of all companies in one snapshot: a deadline may pass at any moment."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        rows = connection.execute(
            "select e.*, u.external_id from journey_events e join customers u on u.id = e.customer_id"
            " order by e.version, e.id"
        ).fetchall()
        journeys = connection.execute(
            "select r.*, u.external_id from customer_relationships r join customers u on u.id = r.customer_id"
        ).fetchall()
        transitions = connection.execute(
            "select t.*, u.external_id from journey_transitions t"
            " join customer_relationships r on r.id = t.relationship_id"
            " join customers u on u.id = r.customer_id order by t.relationship_id, t.sequence"
        ).fetchall()
    stored = StoredRows(rows, {_id(row): row for row in journeys})
    for row in rows:
        stored.entries[_id(row)].append(row)
    for row in transitions:
        stored.transitions[_id(row)].append(row)
    return stored


def _id(row: dict[str, Any]) -> str:
    return journey_id(row["company_id"], row["external_id"])
