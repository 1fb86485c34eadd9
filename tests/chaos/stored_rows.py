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
    """Rows as dicts; ledger and transitions in the order in which they were written.

    `merged` are the workflow ids of customers who were merged into others, with those of the others.
    """

    ledger: list[dict[str, Any]]
    journeys: dict[str, dict[str, Any]]  # by workflow id
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    transitions: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    merged: dict[str, str] = field(default_factory=dict)


def read(database_url: str) -> StoredRows:
    """Read the rows of all companies in one snapshot: a deadline may pass at any moment."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        rows = connection.execute(
            "select e.*, u.external_id from journey_events e join customers u on u.id = e.customer_id"
            " where e.type is distinct from 'customers.merged' order by e.version, e.id"
        ).fetchall()
        journeys = connection.execute(
            "select r.*, u.external_id from customer_relationships r join customers u on u.id = r.customer_id"
        ).fetchall()
        transitions = connection.execute(
            "select t.*, u.external_id from journey_transitions t"
            " join customer_relationships r on r.id = t.relationship_id"
            " join customers u on u.id = r.customer_id order by t.relationship_id, t.sequence"
        ).fetchall()
        merged = connection.execute(
            "select a.company_id, a.external_id, i.external_id as root from customers a"
            " join customers i on i.id = a.merged_into"
        ).fetchall()
    stored = StoredRows(rows, {_id(row): row for row in journeys})
    for row in rows:
        stored.entries[_id(row)].append(row)
    for row in transitions:
        stored.transitions[_id(row)].append(row)
    for row in merged:
        stored.merged[_id(row)] = journey_id(row["company_id"], row["root"])
    return stored


def _id(row: dict[str, Any]) -> str:
    return journey_id(row["company_id"], row["external_id"])
