"""Fit a company's return model on its own ledger, for the weekly schedule and the CLI."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from psycopg.errors import ForeignKeyViolation
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import heartbeats
from activities.no_show_models import fit_no_shows_of_company
from activities.separate_process import in_separate_process
from contracts import names
from contracts.maintenance import FitResult
from db.analytics import return_models, visit_history
from db.analytics.return_models import ReturnModel
from db.analytics.return_probabilities import store_return_probabilities
from db.analytics.visit_history import VisitHistory
from db.connections import Pool
from db.journeys.company_medians import record_medians
from journey.bgnbd import NoModel, check_history
from journey.visits import Visits

if TYPE_CHECKING:
    from journey.return_fit import FittedModel


async def fit_company(pool: Pool, company_id: int) -> ReturnModel:
    """Fit one company as of today (UTC), and store the next version and the customers' return probabilities.

    The company's model of no-shows is fitted, too. A version is a model, or the reason why there is none; then the
    probabilities become null.
    The computation runs in a process of its own and takes about 20 s of CPU time for 100,000 customers.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
        psycopg.errors.ForeignKeyViolation: There is no such company.
    """
    await fit_no_shows_of_company(pool, company_id)
    fitted = await _fit_version(pool, company_id)
    model, today = fitted.model, fitted.history_to.toordinal()

    def probability(visits: Visits) -> float | None:
        return None if model is None else round(model.probability_of_return(visits, today), 3)

    await store_return_probabilities(pool, company_id, fitted.history_to, probability)
    return fitted


async def _fit_version(pool: Pool, company_id: int) -> ReturnModel:
    history = await visit_history.load_visit_history(pool, company_id, datetime.now(UTC).date())
    try:
        check_history(history.customers, history.returned, history.days)
        fitted = await in_separate_process(_fit, history)
    except NoModel as reason:
        return await return_models.store(pool, company_id, history, None, str(reason))
    return await return_models.store(pool, company_id, history, fitted, fitted.no_bgnbd)


def _fit(history: VisitHistory) -> FittedModel:
    from journey.return_fit import fit_return_model  # loads numpy and scipy, so not before they are needed

    return fit_return_model(history.visits, history.until.toordinal())


class ReturnModelActivity:
    """The ``fit_return_model`` activity and its dependency, the application's pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @activity.defn(name=names.FIT_RETURN_MODEL)
    async def fit_return_model(self, company_id: int) -> FitResult:
        """Fit one company, and record its median gaps between visits.

        If the result is lost, the retry stores another version of the same model, and another such record.

        Raises:
            psycopg.OperationalError: Postgres does not answer.
            ApplicationError: There is no such company; final.
        """
        try:
            async with heartbeats():
                await record_medians(self._pool, company_id)
                stored = await fit_company(self._pool, company_id)
        except ForeignKeyViolation:
            raise ApplicationError(f"there is no company {company_id}", non_retryable=True) from None
        return FitResult(
            company_id=company_id, version=stored.version, customers=stored.customers, reason=stored.reason
        )
