"""The columns of a journey's row that say how often a customer comes, and their values for rows of before."""

from __future__ import annotations

from typing import Any

import orjson

from db.connections import Pool, tenant_rows
from db.journeys.ledger_records import applied_events
from journey.facts import Facts
from journey.refold import refold_facts
from journey.rhythm import MedianRecords
from journey.service_rhythms import expected_visit, service_rhythms
from journey.time import DAY, utc_text

_BATCH = 200
_WITHOUT = """
select id, customer_id, version from customer_relationships
 where company_id = %s and rhythm is null order by id limit %s
"""
_FILL = """
update customer_relationships r
   set usual_interval = x.usual_interval, expected_at = x.expected_at, rhythm = x.rhythm
  from jsonb_to_recordset(%s::jsonb) as x(id bigint, version int, usual_interval numeric, expected_at timestamptz,
                                          rhythm jsonb)
 where r.company_id = %s and r.id = x.id and r.version = x.version and r.rhythm is null
"""


def rhythm_columns(facts: Facts, medians: MedianRecords) -> dict[str, Any]:
    """Return the columns as parameters: ``usual_interval``, ``expected_at`` and ``rhythm``."""
    interval, services = facts.interval, service_rhythms(facts, medians) if facts.services else []
    by_service = [
        {
            "service": each.service,
            "usual_interval": round(each.usual_interval, 3),
            "expected_at": utc_text(each.expected_at),
        }
        for each in services
    ]
    expected = expected_visit(facts, services)
    return {
        "usual_interval": None if interval is None else f"{interval / DAY:.3f}",
        "expected_at": None if expected is None else utc_text(expected),
        "rhythm": orjson.dumps({"services": by_service}).decode() if by_service else "{}",
    }


async def fill_batch(pool: Pool, company_id: int, medians: MedianRecords) -> int:
    """Compute the columns of some rows that do not have them yet from the ledger; return how many rows that were.

    A row that a commit changes meanwhile is left to the commit. The journey's state learns its rhythm by its next one.
    """
    rows = await tenant_rows(pool, company_id, _WITHOUT, [company_id, _BATCH])
    if not rows:
        return 0
    ledgers = await applied_events(pool, company_id, [customer for _, customer, _ in rows])
    filled = []
    for relationship, customer, version in rows:
        facts = refold_facts(ledgers.get(customer, []))
        facts.take_company_median(medians)
        columns = rhythm_columns(facts, medians)
        columns["rhythm"] = orjson.Fragment(columns["rhythm"])
        filled.append({"id": relationship, "version": version, **columns})
    await tenant_rows(pool, company_id, _FILL + " returning r.id", [orjson.dumps(filled).decode(), company_id])
    return len(rows)
