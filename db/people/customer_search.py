"""Customers found by a text: by the terms of their profile, in `customer_search_terms`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from db.connections import Pool, tenant_rows, tenant_transaction
from db.people.phone_numbers import company_country
from db.sql_fragments import conjunction
from journey.search_text import LAST, Criterion, criteria, is_phone_search

MAX_LISTED = 3_000  # customers whose ids are listed; also the matching terms that are each looked up in other terms
MAX_HASHED = 20_000  # matching terms; above it, every page of a list has enough of them to look each row up
BATCH = 500  # customers made searchable in one transaction

_UNSEARCHABLE = sql.SQL(
    "update customers set searchable = true where company_id = %(company)s and id = any(array("
    " select id from customers where company_id = %(company)s and not searchable"
    " order by id limit %(limit)s for no key update skip locked))"
)


_TERMS = sql.SQL("customer_search_terms t")
_OWN = sql.SQL("t.company_id = %(company_id)s")


@dataclass(frozen=True, slots=True)
class Found:
    """What a text finds.

    Attributes:
        customers: Their row ids; None if there are very many.
        criteria: What each of them fulfils.
        is_hashed: Whether to hash all who fulfil the criterion, rather than to look each row up.
    """

    customers: list[int] | None
    criteria: Sequence[Criterion]
    is_hashed: bool = False

    def condition(self, customer_id: sql.SQL) -> sql.Composed:
        """Return the SQL condition that a row's customer is one of them. It has `%(company_id)s` as a parameter."""
        if self.customers is not None:
            return sql.SQL("{} = any({}::bigint[])").format(customer_id, sql.Literal(self.customers))
        return conjunction(_exists(customer_id, criterion) for criterion in self.criteria)

    def filter(self, customer_id: sql.SQL) -> sql.Composed:
        """Return the same condition for rows that are read in the order of an index, until a page is full.

        ``is true`` keeps Postgres from reading the customers one by one and sorting them instead: it hashes them.
        """
        if self.customers is None and self.is_hashed:
            statement = "({} in (select t.customer_id from {} where {})) is true"
            matches = _matches(sql.SQL("t"), self.criteria[0])
            return sql.SQL(statement).format(customer_id, _TERMS, sql.SQL("{} and {}").format(_OWN, matches))
        condition = self.condition(customer_id)
        return sql.SQL("({}) is true").format(condition) if self.customers is not None else condition


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
    """Find the customers by the criterion that fewest terms match; its customers are looked up for the others."""
    fewest = 0
    if len(wanted) > 1:
        numbers = await _matching(pool, company_id, wanted, MAX_LISTED)
        order = sorted(range(len(wanted)), key=numbers.__getitem__)
        wanted, fewest = [wanted[place] for place in order], numbers[order[0]]
        if not fewest:
            return Found([], wanted)
    first, *others = wanted
    source: sql.Composable = _TERMS
    conditions: list[sql.Composable] = [_OWN, _matches(sql.SQL("t"), first)]
    if others and fewest <= MAX_LISTED:
        source = sql.SQL("{}, lateral ({}) other").format(_TERMS, _others(others))
        conditions.append(sql.SQL("other.fulfilled"))
    else:  # only the planner knows how many have all of several frequent terms
        conditions += [_exists(sql.SQL("t.customer_id"), criterion) for criterion in others]
    # Literals, not parameters: a generic plan does not know how many customers have a term.
    statement = sql.SQL("select t.customer_id from {} where {} limit {}").format(
        source, conjunction(conditions), sql.Literal(MAX_LISTED + 1)
    )
    rows = await tenant_rows(pool, company_id, statement, {"company_id": company_id})
    if len(rows) <= MAX_LISTED:
        return Found(sorted({row[0] for row in rows}), wanted)
    is_hashed = not others and (await _matching(pool, company_id, wanted, MAX_HASHED))[0] <= MAX_HASHED
    return Found(None, wanted, is_hashed)


async def _matching(pool: Pool, company_id: int, wanted: Sequence[Criterion], most: int) -> list[int]:
    """Count the terms that match each criterion, up to one more than `most`."""
    count = sql.SQL("(select count(*) from (select from {} where {} and {} limit {}) x)")
    limit = sql.Literal(most + 1)
    counts = [count.format(_TERMS, _OWN, _matches(sql.SQL("t"), criterion), limit) for criterion in wanted]
    statement = sql.SQL("select {}").format(sql.SQL(", ").join(counts))
    [numbers] = await tenant_rows(pool, company_id, statement, {"company_id": company_id})
    return list(numbers)


def _others(criteria: Sequence[Criterion]) -> sql.Composed:
    """Return a subquery for one customer, which reads their terms once: do they fulfil the criteria?"""
    fulfilled = [sql.SQL("bool_or({})").format(_matches(sql.SQL("s"), criterion)) for criterion in criteria]
    return sql.SQL(
        "select {} as fulfilled from customer_search_terms s"
        " where s.company_id = %(company_id)s and s.customer_id = t.customer_id"
    ).format(conjunction(fulfilled))


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
