"""Fit a company's return model on its own ledger, for the weekly schedule and the CLI."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime

from psycopg.errors import ForeignKeyViolation
from temporalio import activity
from temporalio.exceptions import ApplicationError

from contracts import names
from contracts.maintenance import FitResult
from db.analytics import return_models, visit_history
from db.analytics.return_models import ReturnModel
from db.analytics.return_probabilities import store_return_probabilities
from db.analytics.visit_history import VisitHistory, VisitSummary
from db.connections import Pool
from journey.bgnbd import FORECAST_DAYS, NoModel, check_history, probability_of_return

HEARTBEAT_INTERVAL = 3.0  # seconds


async def fit_company(pool: Pool, company_id: int) -> ReturnModel:
    """Fit one company's ledger as of today (UTC), store the next version, and the customers' return probabilities.

    A version is a model, or the reason why there is none; then the probabilities become null.
    The computation runs in a thread and takes some seconds for 100,000 customers.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
        psycopg.errors.ForeignKeyViolation: There is no such company.
    """
    fitted = await _fit_version(pool, company_id)
    model = fitted.model

    def probability(visits: VisitSummary) -> float | None:
        return None if model is None else round(probability_of_return(model, *visits, FORECAST_DAYS), 3)

    await store_return_probabilities(pool, company_id, fitted.history_to, probability)
    return fitted


async def _fit_version(pool: Pool, company_id: int) -> ReturnModel:
    history = await visit_history.load_visit_history(pool, company_id, datetime.now(UTC).date())
    try:
        check_history(history.customers, history.returned, history.days)
        parameters, log_likelihood = await asyncio.to_thread(_fit, history)
    except NoModel as reason:
        return await return_models.store(pool, company_id, history, None, None, str(reason))
    return await return_models.store(pool, company_id, history, parameters, log_likelihood, None)


def _fit(history: VisitHistory) -> tuple[dict[str, float], float]:
    from journey.bgnbd_fit import fit  # loads numpy and scipy, so not before they are needed

    fitted = fit(history.x, history.t_x, history.age, history.counts)
    return asdict(fitted.model), fitted.log_likelihood


class ReturnModelActivity:
    """The ``fit_return_model`` activity and its dependency, the application's pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @activity.defn(name=names.FIT_RETURN_MODEL)
    async def fit_return_model(self, company_id: int) -> FitResult:
        """Fit one company. If its result is lost, the retry stores another version of the same model.

        Raises:
            psycopg.OperationalError: Postgres does not answer.
            ApplicationError: There is no such company; final.
        """
        heartbeats = asyncio.create_task(_send_heartbeats())
        try:
            stored = await fit_company(self._pool, company_id)
        except ForeignKeyViolation:
            raise ApplicationError(f"there is no company {company_id}", non_retryable=True) from None
        finally:
            heartbeats.cancel()
        return FitResult(
            company_id=company_id, version=stored.version, customers=stored.customers, reason=stored.reason
        )


async def _send_heartbeats() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_INTERVAL)
