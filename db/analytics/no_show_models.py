"""Outcomes of booked appointments, and the versions of a company's model of no-shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from db.connections import Pool, tenant_rows, tenant_transaction
from db.essential_queries import RegisteredQuery
from journey import no_shows

if TYPE_CHECKING:
    from journey.no_show_fit import FittedNoShows

MOST_OUTCOMES = 200_000  # the latest, which a model is fitted on
RECENT = 2000  # outcomes that a company's rate is computed from while it has no model


@dataclass(frozen=True, slots=True)
class NoShows:
    """What a company's risks of no-shows are computed by.

    Attributes:
        model: The model; None if there is no outcome of a booked appointment.
        outcomes: How many outcomes it was computed from.
        misses: How many of them were missed.
        fitted_at: When it was fitted; None if it was not, because there are too few outcomes or no fit was made yet.
        comparison: How each method predicted the outcomes that were held back, by method.
        reason: Why nothing was fitted.
    """

    model: no_shows.NoShowModel | None
    outcomes: int
    misses: int
    fitted_at: datetime | None = None
    comparison: dict[str, dict[str, float]] | None = None
    reason: str | None = None


_OUTCOMES = """
select customer_id, extract(epoch from scheduled_for)::float8 / 86400, extract(epoch from booked_at)::float8 / 86400,
       outcome = 'missed'
  from appointments where company_id = %(company)s and outcome in ('completed', 'missed') and scheduled_for <= now()
 order by scheduled_for desc limit %(limit)s
"""
_RECENT = """
select count(*), count(*) filter (where outcome = 'missed') from (
    select outcome from appointments
     where company_id = %(company)s and outcome in ('completed', 'missed') and scheduled_for <= now()
     order by scheduled_for desc limit %(limit)s) x
"""
_STORE = """
insert into no_show_models (company_id, version, outcomes, misses, model, comparison, reason)
select %(company)s, coalesce(max(version), 0) + 1, %(outcomes)s, %(misses)s, %(model)s, %(comparison)s, %(reason)s
  from no_show_models where company_id = %(company)s
"""
_NEWEST = """
select model, outcomes, misses, fitted_at, comparison, reason from no_show_models where company_id = %s
 order by version desc limit 1
"""


async def load_outcomes(pool: Pool, company_id: int) -> list[tuple[int, float, float, bool]]:
    """Return the latest outcomes of booked appointments: the fields of `journey.no_show_fit.Outcome`."""
    rows = await tenant_rows(pool, company_id, _OUTCOMES, {"company": company_id, "limit": MOST_OUTCOMES})
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def store(
    pool: Pool, company_id: int, outcomes: int, misses: int, fitted: FittedNoShows | None, reason: str | None
) -> None:
    """Store the result of a fit as the company's next version."""
    comparison = {} if fitted is None else {name: one.to_json() for name, one in fitted.compared.items()}
    values: dict[str, Any] = {
        "company": company_id,
        "outcomes": outcomes,
        "misses": misses,
        "model": None if fitted is None else Jsonb(fitted.model.to_json()),
        "comparison": Jsonb(comparison) if comparison else None,
        "reason": reason,
    }
    async with tenant_transaction(pool, company_id) as connection:
        # Serialized, so that two concurrent fits do not take the same version.
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"no_show_models/{company_id}"]
        )
        await connection.execute(_STORE, values)


async def newest(pool: Pool, company_id: int) -> NoShows:
    """Return what risks are computed by now: the latest model, else the company's rate of late."""
    rows = await tenant_rows(pool, company_id, _NEWEST, [company_id])
    if rows and rows[0][0] is not None:
        model, *rest = rows[0]
        return NoShows(no_shows.NoShowModel.from_json(model), *rest)
    ((outcomes, misses),) = await tenant_rows(pool, company_id, _RECENT, {"company": company_id, "limit": RECENT})
    reason = rows[0][5] if rows else None
    return NoShows(no_shows.by_rates(misses, outcomes), outcomes, misses, reason=reason)


ESSENTIAL_QUERIES = (
    RegisteredQuery("model of no-shows", lambda pool, sample: newest(pool, sample.company_id)),
    RegisteredQuery("outcomes of appointments", lambda pool, sample: load_outcomes(pool, sample.company_id)),
)
