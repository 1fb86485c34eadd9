"""Fit a company's model of no-shows on the outcomes of its booked appointments, together with its return model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.separate_process import in_separate_process
from db.analytics import no_show_models
from db.connections import Pool
from db.journeys.appointments import catch_up
from journey.no_shows import too_few

if TYPE_CHECKING:
    from journey.no_show_fit import FittedNoShows


async def fit_no_shows_of_company(pool: Pool, company_id: int) -> None:
    """Fit one company, and store the next version: a model, or the reason why there is none.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
        psycopg.errors.ForeignKeyViolation: There is no such company.
    """
    while not await catch_up(pool, company_id):
        pass
    rows = await no_show_models.load_outcomes(pool, company_id)
    misses = sum(missed for *_, missed in rows)
    reason, fitted = too_few(len(rows), misses), None
    if reason is None:
        fitted = await in_separate_process(_fit, rows)
    await no_show_models.store(pool, company_id, len(rows), misses, fitted, reason)


def _fit(rows: list[tuple[int, float, float, bool]]) -> FittedNoShows:
    from journey.no_show_fit import Outcome, fit_no_shows  # loads numpy and scipy

    return fit_no_shows([Outcome(*row) for row in rows])
