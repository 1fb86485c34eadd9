"""Customers found by a text: by the terms of their profile, in `customer_search_terms`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from db.connections import Pool, tenant_rows, tenant_transaction
from db.people.phone_numbers import company_country
from journey.search_text import LAST, Criterion, criteria, is_phone_search

MAX_TERMS = 3_000  # matching terms; above it is cheaper to filter a list in its order than to sort what matches
BATCH = 500  # customers made searchable in one transaction

_UNSEARCHABLE = sql.SQL(
    "update customers set searchable = true where company_id = %(company)s and id = any(array("
    " select id from customers where company_id = %(company)s and not searchable"
    " order by id limit %(limit)s for no key update skip locked))"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a text finds.

    Attributes:
        customers: Their row ids; None if there are very many.
        criteria: What each of them fulfils.
    """

    customers: list[int] | None
    criteria: Sequence[Criterion]

    def condition(self, customer_id: sql.SQL) -> sql.Composed:
        """Return the SQL condition that a row's customer is one of them. It has `%(company_id)s` as a parameter."""
        if self.customers is not None:
            return sql.SQL("{} = any({}::bigint[])").format(customer_id, sql.Literal(self.customers))
        return sql.SQL(" and ").join(_exists(customer_id, criterion) for criterion in self.criteria)


async def find_customers(pool: Pool, company_id: int, text: str) -> Found:
    """Find the customers whose profile has all words and phone numbers of a text.

    If there are none, words with one typo count, too.
    """
    country = await company_country(pool, company_id) if is_phone_search(text) else None
    exact = criteria(text, country)
    if not exact:
        return Found([], [])
    found = await _find(pool, company_id, exact)
    if found.customers == []:
        found = await _find(pool, company_id, [criterion.with_typos() for criterion in exact])
    return found


async def make_searchable(pool: Pool, company_id: int) -> int:
    """Write the terms of up to `BATCH` customers from before the table; return how many there were."""
    async with tenant_transaction(pool, company_id) as connection:
        cursor = await connection.execute(_UNSEARCHABLE, {"company": company_id, "limit": BATCH})
        return cursor.rowcount


async def _find(pool: Pool, company_id: int, wanted: Sequence[Criterion]) -> Found:
    first, *others = wanted
    # Literals, not parameters: a generic plan does not know how many customers have a term.
    statement = sql.SQL(
        "select t.customer_id from customer_search_terms t where t.company_id = %(company_id)s and {} limit {}"
    ).format(
        sql.SQL(" and ").join(
            [_matches(sql.SQL("t"), first), *(_exists(sql.SQL("t.customer_id"), criterion) for criterion in others)]
        ),
        sql.Literal(MAX_TERMS + 1),
    )
    rows = await tenant_rows(pool, company_id, statement, {"company_id": company_id})
    return Found(sorted({row[0] for row in rows}) if len(rows) <= MAX_TERMS else None, wanted)


def _exists(customer_id: sql.SQL, criterion: Criterion) -> sql.Composed:
    return sql.SQL(
        "exists (select from customer_search_terms s where s.company_id = %(company_id)s and s.customer_id = {} and {})"
    ).format(customer_id, _matches(sql.SQL("s"), criterion))


def _matches(alias: sql.SQL, criterion: Criterion) -> sql.Composed:
    alternatives = [
        sql.SQL("({0}.term >= {1} and {0}.term < {2})").format(alias, sql.Literal(prefix), sql.Literal(prefix + LAST))
        for prefix in criterion.prefixes
    ]
    if criterion.words:
        words = sql.Literal(list(criterion.words))
        alternatives.append(sql.SQL("{}.term = any({}::text[])").format(alias, words))
    return sql.SQL("({})").format(sql.SQL(" or ").join(alternatives))
