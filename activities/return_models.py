"""Fitting a company's model of who comes back, on its own ledger, for schedules and commands."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TypedDict

from psycopg.errors import ForeignKeyViolation
from temporalio import activity
from temporalio.exceptions import ApplicationError

from db.analytics import return_models, visit_history
from db.analytics.return_models import ReturnModel
from db.analytics.visit_history import VisitHistory
from db.connections import Pool
from journey.bgnbd import NoModel, check_history

BEAT = 3.0  # seconds between two signs of life


class Fitted(TypedDict):
    """What became of a fit: the version that was stored, and why it is none (None: it is a model)."""

    company_id: int
    version: int
    customers: int
    reason: str | None


async def fit_company(pool: Pool, company_id: int) -> ReturnModel:
    """Fit one company's ledger as of today (UTC) and store the next version: a model, or the reason for none.

    A thread does the arithmetic, some seconds for 100,000 customers. Raises psycopg.OperationalError when Postgres does
    not answer, psycopg.errors.ForeignKeyViolation for a company that is not there.
    """
    history = await visit_history.load_visit_history(pool, company_id, datetime.now(UTC).date())
    try:
        check_history(history.customers, history.returned, history.days)
        parameters, log_likelihood = await asyncio.to_thread(_fit, history)
    except NoModel as none:
        return await return_models.store(pool, company_id, history, None, None, str(none))
    return await return_models.store(pool, company_id, history, parameters, log_likelihood, None)


def _fit(history: VisitHistory) -> tuple[dict[str, float], float]:
    from journey.bgnbd_fit import fit  # numpy and scipy, which no worker loads before it needs them

    found = fit(history.x, history.t_x, history.age, history.counts)
    return asdict(found.model), found.log_likelihood


class Fits:
    """The ``fit_return_model`` activity with its dependency, the pool of the application's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @activity.defn(name="fit_return_model")
    async def fit_return_model(self, company_id: int) -> Fitted:
        """Fit one company. Tried again after its answer was lost, it stores one more version of the same.

        Raises psycopg.OperationalError while Postgres does not answer; a company that is not there is final.
        """
        beating = asyncio.create_task(_beat())
        try:
            found = await fit_company(self._pool, company_id)
        except ForeignKeyViolation:
            raise ApplicationError(f"there is no company {company_id}", non_retryable=True) from None
        finally:
            beating.cancel()
        return Fitted(company_id=company_id, version=found.version, customers=found.customers, reason=found.reason)


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT)
