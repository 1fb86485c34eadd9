"""Parts that several list queries share: conditions, the join of a customer, and pages as JSON text."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql


def conjunction(conditions: Iterable[sql.Composable]) -> sql.Composed:
    """Join conditions with `and`."""
    return sql.SQL(" and ").join(conditions)


def customer_join(alias: sql.SQL) -> sql.Composed:
    """Join `r` (customer_relationships) and `u` (customers) to a table with `company_id` and `relationship_id`."""
    return sql.SQL(
        " join customer_relationships r on r.company_id = {0}.company_id and r.id = {0}.relationship_id"
        " join customers u on u.company_id = r.company_id and u.id = r.customer_id"
    ).format(alias)


def json_array(texts: Iterable[str]) -> bytes:
    """Concatenate JSON texts to the text of a JSON array."""
    return b"[" + b",".join(text.encode() for text in texts) + b"]"
