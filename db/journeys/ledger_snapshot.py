"""What Postgres has of a journey before a commit: its row, and the ledger rows of the events at hand."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from db.connections import Pool, tenant_rows
from db.journeys.company_medians import MEDIANS_VERSION
from journey.time import Micros


@dataclass(slots=True)
class ProjectionRow:
    """A journey's row in the projection. ``decided_at`` in µs; ``batch`` identifies the messages of the last commit."""

    version: int
    run_id: str
    decided_at: Micros | None
    state: dict[str, Any]
    batch: str | None = None


class LedgerRow(NamedTuple):
    """A ledger row of an event id.

    Attributes:
        customer_key: ``customers.id``.
        has_waited: It is a retraction that took effect with a later commit than the one that it came by.
    """

    content_hash: bytes
    customer_key: int
    version: int
    outcome: str
    type: str | None
    has_waited: bool

    def is_of_attempt(self, customer_key: int | None, version: int | None) -> bool:
        """Whether an earlier attempt of a commit wrote it or let it take effect, which will be undone."""
        return self.customer_key == customer_key and self.version == version


@dataclass(slots=True)
class LedgerSnapshot:
    """The state of Postgres before a commit, or the expected one (then ``row.decided_at`` is None).

    Attributes:
        rules_version: The version of the company's rules.
        medians_version: The number of the company's records of median gaps.
        customer_key: ``customers.id``; None for a new customer.
        row: The journey's row; None for a new journey.
        events: The ledger rows by event id.
        retractions: The customer's retractions of these events in order of arrival: (payload, outcome, version, it has
            waited for its event). One whose id belongs to an applied event has no effect and is left out.
        merged_into: The customer that this one was merged into; None if it was not.
    """

    rules_version: int
    customer_key: int | None
    row: ProjectionRow | None
    events: dict[str, list[LedgerRow]]
    retractions: list[tuple[dict[str, Any], str, int, bool]] = field(default_factory=list)
    medians_version: int = 0
    merged_into: str | None = None


_LOAD = """
select c.rules_version, u.id, r.version, r.run_id,
       (extract(epoch from r.decided_at) * 1000000)::bigint, r.state, r.batch,
       (select jsonb_agg(jsonb_build_array(
                   e.event_id, encode(e.content_hash, 'hex'), e.customer_id, e.version, e.outcome, e.type,
                   e.type = 'event.retracted' and e.outcome = 'applied' and e.reason is not null) order by e.id)
          from journey_events e where e.company_id = %(company)s and e.event_id = any(%(ids)s)),
       (select jsonb_agg(jsonb_build_array(e.payload, e.outcome, e.version, e.reason is not null) order by e.id)
          from journey_events e
         where e.company_id = %(company)s and e.customer_id = u.id and e.type = 'event.retracted'
           and e.payload ->> 'retracts' = any(%(ids)s)
           and (e.outcome = 'applied'
                or not exists (select from journey_events a where a.company_id = e.company_id
                                  and a.event_id = e.event_id and a.outcome = 'applied'))),
       (select i.external_id from customers i where i.company_id = u.company_id and i.id = u.merged_into),
       MEDIANS_VERSION
  from companies c
  left join customers u on u.company_id = c.id and u.external_id = %(customer)s
  left join customer_relationships r on r.company_id = c.id and r.customer_id = u.id
 where c.id = %(company)s
""".replace("MEDIANS_VERSION", MEDIANS_VERSION.format(company="c.id"))


async def load(pool: Pool, company_id: int, customer_id: str, event_ids: list[str]) -> LedgerSnapshot | None:
    """Load the journey's row and what the ledger has of these event ids; None if the company does not exist."""
    parameters = {"company": company_id, "customer": customer_id, "ids": event_ids}
    rows = await tenant_rows(pool, company_id, _LOAD, parameters)
    if not rows:
        return None
    rules_version, customer_key, version, run_id, decided_at, state, batch, *more = rows[0]
    events, retractions, merged_into, medians_version = more
    row = None if version is None else ProjectionRow(version, run_id, decided_at, state, batch)
    events_by_id: dict[str, list[LedgerRow]] = {}
    for event_id, content_hash, *rest in events or ():
        events_by_id.setdefault(event_id, []).append(LedgerRow(bytes.fromhex(content_hash), *rest))
    waiting = [tuple(found) for found in retractions or ()]
    return LedgerSnapshot(rules_version, customer_key, row, events_by_id, waiting, medians_version, merged_into)
