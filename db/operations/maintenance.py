"""Reads for whoever looks after many journeys at once: imports, evaluations, validation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class JourneyRow:
    """A journey as the projection has it; ``state`` is packed."""

    relationship_id: int
    customer_id: str | None
    current_stage: str
    version: int
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OverdueJourney:
    """A journey whose ``deadline`` (as text) has passed without an evaluation."""

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
    """A company's journeys beyond relationship ``after``, or the one of a customer."""
    parameters = {"company": company_id, "after": after, "customer": customer_id, "limit": limit}
    return [JourneyRow(*row) for row in await tenant_rows(pool, company_id, _CHUNK, parameters)]


async def iterate_journeys(
    pool: Pool, company_id: int, *, customer_id: str | None = None, size: int = 500
) -> AsyncIterator[list[JourneyRow]]:
    """All journeys of a company, or one, in chunks; each chunk is read when it is asked for."""
    after = 0
    while rows := await journey_rows(pool, company_id, after=after, limit=size, customer_id=customer_id):
        yield rows
        after = rows[-1].relationship_id


async def journey_versions(pool: Pool, company_id: int, relationship_ids: list[int]) -> dict[int, int]:
    """How many commits each of these journeys has had."""
    statement = "select id, version from customer_relationships where company_id = %s and id = any(%s)"
    return dict(await tenant_rows(pool, company_id, statement, [company_id, relationship_ids]))


async def count_journeys(pool: Pool, company_id: int) -> int:
    """How many journeys a company has."""
    rows = await tenant_rows(
        pool, company_id, "select count(*) from customer_relationships where company_id = %s", [company_id]
    )
    total: int = rows[0][0]
    return total


# A row that was written since is one whose journey is at work: an import, or Postgres was away and it catches up.
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
    """Journeys whose deadline passed before this instant and which nothing was committed of since: a page of them, the
    longest overdue first, beyond the (deadline as text, relationship's id) ``after``."""
    parameters = {"company": company_id, "before": before, "deadline": after[0], "id": after[1], "limit": limit}
    return [OverdueJourney(*row) for row in await tenant_rows(pool, company_id, _OVERDUE, parameters)]


async def existing_events(pool: Pool, company_id: int, event_ids: list[str]) -> set[tuple[str, bytes]]:
    """(id, content hash) of those events that the ledger has."""
    statement = "select event_id, content_hash from journey_events where company_id = %s and event_id = any(%s)"
    return {(row[0], row[1]) for row in await tenant_rows(pool, company_id, statement, [company_id, event_ids])}


async def import_shift(pool: Pool, company_id: int, fingerprint: str, shift: int) -> int:
    """The shift (µs) of a log that is imported, kept at the first time: a second import must make the same events."""
    found = await tenant_rows(
        pool,
        company_id,
        "select (details->>'shift')::bigint from audit_log"
        " where company_id = %s and action = 'import' and subject = %s order by id limit 1",
        [company_id, fingerprint],
    )
    if found:
        kept: int = found[0][0]
        return kept
    await tenant_rows(
        pool,
        company_id,
        "insert into audit_log (company_id, actor, action, subject, details)"
        " values (%s, 'journey import', 'import', %s, jsonb_build_object('shift', %s::bigint)) returning id",
        [company_id, fingerprint, shift],
    )
    return shift
