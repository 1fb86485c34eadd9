"""Reads for whoever looks after many journeys at once: imports, evaluations, validation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from db.session import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class Standing:
    """A journey as the projection has it; ``state`` is packed."""

    relationship_id: int
    customer_id: str | None
    current_stage: str
    version: int
    state: dict[str, Any]


_CHUNK = """
select r.id, u.external_id, r.current_stage, r.version, r.state
  from customer_relationships r left join customers u on u.id = r.customer_id and u.company_id = r.company_id
 where r.company_id = %(company)s and r.id > %(after)s and (%(customer)s::text is null or u.external_id = %(customer)s)
 order by r.id limit %(limit)s
"""


async def standings(
    pool: Pool, company_id: int, *, chunk: int = 500, customer_id: str | None = None
) -> AsyncIterator[list[Standing]]:
    """All journeys of a company, or one, in chunks; each chunk is read when it is asked for."""
    after = 0
    while True:
        parameters = {"company": company_id, "after": after, "customer": customer_id, "limit": chunk}
        rows = [Standing(*row) for row in await tenant_rows(pool, company_id, _CHUNK, parameters)]
        if not rows:
            return
        yield rows
        after = rows[-1].relationship_id


async def count(pool: Pool, company_id: int) -> int:
    """How many journeys a company has."""
    rows = await tenant_rows(
        pool, company_id, "select count(*) from customer_relationships where company_id = %s", [company_id]
    )
    total: int = rows[0][0]
    return total


async def known_events(pool: Pool, company_id: int, event_ids: list[str]) -> set[tuple[str, bytes]]:
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
