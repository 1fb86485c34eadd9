"""Queries over many journeys of a company, for evaluation, reconciliation and validation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class JourneyKey:
    """Which journey a row belongs to, and its version; ``customer_id`` is the company's own (None: deleted)."""

    relationship_id: int
    customer_id: str | None
    version: int


@dataclass(frozen=True, slots=True)
class JourneyRow:
    """A journey's row in the projection; ``state`` is packed."""

    relationship_id: int
    customer_id: str | None
    current_stage: str
    version: int
    state: dict[str, Any]

    @property
    def key(self) -> JourneyKey:
        return JourneyKey(self.relationship_id, self.customer_id, self.version)


#: A journey's row, and its next deadline as text, if that is the order.
OrderedRow = tuple[JourneyRow, str | None]


@dataclass(frozen=True, slots=True)
class OverdueJourney:
    """A journey whose ``deadline`` (as text) passed without an evaluation."""

    relationship_id: int
    customer_id: str
    version: int
    deadline: str


_CHUNK = """
select r.id, u.external_id, r.current_stage, r.version, r.state
  from customer_relationships r left join customers u on u.id = r.customer_id and u.company_id = r.company_id
 where r.company_id = %(company)s and r.id > %(after)s and (%(customer)s::text is null or u.external_id = %(customer)s)
 order by r.id limit %(limit)s
"""


async def journey_rows(
    pool: Pool, company_id: int, *, after: int = 0, limit: int = 500, customer_id: str | None = None
) -> list[JourneyRow]:
    """Return the journeys of a company with a relationship id greater than ``after``, or that of one customer."""
    parameters = {"company": company_id, "after": after, "customer": customer_id, "limit": limit}
    return [JourneyRow(*row) for row in await tenant_rows(pool, company_id, _CHUNK, parameters)]


_IN_ORDER: LiteralString = """
select r.id, u.external_id, r.current_stage, r.version, r.state, r.next_deadline::text
  from customer_relationships r left join customers u on u.id = r.customer_id and u.company_id = r.company_id
 where r.company_id = %(company)s and r.rules_version < %(rules_version)s and CONDITION
 order by ORDER limit %(limit)s
"""
_IS_MOVED: LiteralString = """
exists (select from rule_preview_customers p where p.company_id = r.company_id and p.preview_id = %(preview)s
           and p.relationship_id = r.id and p.from_stage <> p.to_stage)
"""
#: (condition, order) of the journeys that a roll-out looks at.
_ORDERS: dict[str, tuple[LiteralString, LiteralString]] = {
    "preview": (f"r.id > %(after)s and {_IS_MOVED}", "r.id"),
    "deadline": (
        f"(r.next_deadline, r.id) > (%(deadline)s::timestamptz, %(after)s::bigint) and not {_IS_MOVED}",
        "r.next_deadline, r.id",
    ),
    "none": (f"r.next_deadline is null and r.id > %(after)s and not {_IS_MOVED}", "r.id"),
}


async def rollout_rows(
    pool: Pool,
    company_id: int,
    rules_version: int,
    order: str,
    *,
    preview_id: int | None,
    deadline: str | None,
    after: int,
    limit: int,
) -> list[OrderedRow]:
    """Return the next journeys of a roll-out, which older rules have decided, with their deadlines.

    Args:
        order: ``preview``, ``deadline`` or ``none``, see ``contracts.maintenance.RolloutOrder``.
        preview_id: The preview of the change, if it has one.
        deadline: That of the last journey before, as text.
        after: Its relationship id.
        limit: How many at most.
    """
    condition, ordered = _ORDERS[order]
    statement = _IN_ORDER.replace("CONDITION", condition).replace("ORDER", ordered)
    values: dict[str, Any] = {
        "company": company_id,
        "rules_version": rules_version,
        "preview": preview_id,
        "limit": limit,
    }
    values |= {"deadline": deadline or "-infinity", "after": after}
    rows = await tenant_rows(pool, company_id, statement, values)
    return [(JourneyRow(*row[:5]), row[5]) for row in rows]


_KEYS = """
select r.id, u.external_id, r.version
  from customer_relationships r left join customers u on u.id = r.customer_id and u.company_id = r.company_id
 where r.company_id = %(company)s and r.id > %(after)s order by r.id limit %(limit)s
"""
_KEYS_OF_CUSTOMERS = """
select r.id, u.external_id, r.version
  from customers u join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
 where u.company_id = %(company)s and u.external_id = any(%(customers)s)
"""


async def journey_keys(
    pool: Pool, company_id: int, *, after: int = 0, limit: int = 500, customers: list[str] | None = None
) -> list[JourneyKey]:
    """Return the keys of a page of journeys, those with a relationship id greater than ``after``, or of customers."""
    parameters = {"company": company_id, "after": after, "limit": limit, "customers": customers}
    statement = _KEYS if customers is None else _KEYS_OF_CUSTOMERS
    return [JourneyKey(*row) for row in await tenant_rows(pool, company_id, statement, parameters)]


async def iterate_journeys(
    pool: Pool, company_id: int, *, customer_id: str | None = None, size: int = 500
) -> AsyncIterator[list[JourneyRow]]:
    """Iterate over all journeys of a company, or that of one customer, in batches that are read on demand."""
    after = 0
    while rows := await journey_rows(pool, company_id, after=after, limit=size, customer_id=customer_id):
        yield rows
        after = rows[-1].relationship_id


async def journey_versions(pool: Pool, company_id: int, relationship_ids: list[int]) -> dict[int, int]:
    """Return the version (number of commits) of each of these journeys."""
    statement = "select id, version from customer_relationships where company_id = %s and id = any(%s)"
    return dict(await tenant_rows(pool, company_id, statement, [company_id, relationship_ids]))


async def count_journeys(pool: Pool, company_id: int) -> int:
    """Count the journeys of a company."""
    rows = await tenant_rows(
        pool, company_id, "select count(*) from customer_relationships where company_id = %s", [company_id]
    )
    total: int = rows[0][0]
    return total


# A row written since then belongs to an active journey: an import, or one catching up after an outage of Postgres.
_OVERDUE = """
select r.id, (select u.external_id from customers u where u.company_id = r.company_id and u.id = r.customer_id),
       r.version, r.next_deadline::text
  from customer_relationships r
 where r.company_id = %(company)s and r.next_deadline < %(before)s and r.updated_at < %(before)s
   and (r.next_deadline, r.id) > (%(deadline)s::timestamptz, %(id)s::bigint)
 order by r.next_deadline, r.id limit %(limit)s
"""


async def overdue_journeys(
    pool: Pool, company_id: int, before: datetime, *, after: tuple[str, int] = ("-infinity", 0), limit: int
) -> list[OverdueJourney]:
    """Return a page of overdue journeys, oldest deadline first.

    Args:
        before: The deadline, and the last commit, are earlier than this.
        after: Deadline (as text) and relationship id of the last journey of the previous page.
        limit: The size of the page.
    """
    parameters = {"company": company_id, "before": before, "deadline": after[0], "id": after[1], "limit": limit}
    return [OverdueJourney(*row) for row in await tenant_rows(pool, company_id, _OVERDUE, parameters)]
