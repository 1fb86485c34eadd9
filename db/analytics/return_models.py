"""Store and read the versions of a company's return model: its parameters, or the reason why none could be fitted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from db.analytics.visit_history import VisitHistory
from db.connections import Pool, tenant_rows, tenant_transaction
from journey import return_forecast
from journey.bgnbd import METHOD, Model

if TYPE_CHECKING:
    from journey.return_fit import FittedModel


@dataclass(frozen=True, slots=True)
class ReturnModel:
    """One version: a model, or a `reason` why there is none.

    Attributes:
        parameters: BG/NBD's (`r`, `alpha` in days, `a`, `b`) and `log_likelihood`; None if it could not be fitted.
        forecast: The whole model as `journey.return_forecast.ReturnModel.to_json` writes it; None in versions that
            were fitted before there was more than BG/NBD.
        comparison: How each method predicted the second half of the history from the first, by method.
    """

    id: int
    version: int
    method: str
    fitted_at: datetime
    history_from: date | None
    history_to: date
    customers: int
    returned_customers: int
    parameters: dict[str, float] | None
    log_likelihood: float | None
    reason: str | None
    forecast: dict[str, Any] | None
    comparison: dict[str, dict[str, float]] | None

    @property
    def model(self) -> return_forecast.ReturnModel | None:
        if self.forecast is not None:
            return return_forecast.ReturnModel.from_json(self.forecast)
        if self.parameters is not None:
            return return_forecast.ReturnModel(return_forecast.BGNBD, bgnbd=Model(**self.parameters))
        return None


_COLUMNS = sql.SQL(
    "id, version, method, fitted_at, history_from, history_to, customers, returned_customers, parameters,"
    " log_likelihood, reason, forecast, comparison"
)
_VERSIONS = sql.SQL("select {} from return_models where company_id = %s order by version desc limit %s").format(
    _COLUMNS
)
_STORE = sql.SQL("""
insert into return_models (company_id, version, method, history_from, history_to, customers, returned_customers,
    parameters, log_likelihood, reason, forecast, comparison)
select %(company)s, coalesce(max(version), 0) + 1, %(method)s, %(from)s, %(to)s, %(customers)s, %(returned)s,
       %(parameters)s, %(log_likelihood)s, %(reason)s, %(forecast)s, %(comparison)s
  from return_models where company_id = %(company)s
returning {}
""").format(_COLUMNS)


async def store(
    pool: Pool, company_id: int, history: VisitHistory, fitted: FittedModel | None, reason: str | None
) -> ReturnModel:
    """Store the result of a fit as the company's next version.

    Args:
        fitted: The model; None if there is none.
        reason: Why there is no model, or no BG/NBD in it.
    """
    model = None if fitted is None else fitted.model
    found = None if model is None else model.bgnbd
    comparison = {} if fitted is None else {name: result.to_json() for name, result in fitted.compared.items()}
    values = {
        "company": company_id,
        "method": METHOD if model is None else model.method,
        "from": history.since,
        "to": history.until,
        "customers": history.customers,
        "returned": history.returned,
        "parameters": None if found is None else Jsonb(asdict(found)),
        "log_likelihood": None if fitted is None else fitted.log_likelihood,
        "reason": reason,
        "forecast": None if model is None else Jsonb(model.to_json()),
        "comparison": Jsonb(comparison) if comparison else None,
    }
    async with tenant_transaction(pool, company_id) as connection:
        # Serialized, so that two concurrent fits do not take the same version.
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"return_models/{company_id}"]
        )
        row = await (await connection.execute(_STORE, values)).fetchone()
    assert row is not None
    return ReturnModel(*row)


async def versions(pool: Pool, company_id: int, limit: int = 1000) -> list[ReturnModel]:
    """List the latest versions, newest first."""
    return [ReturnModel(*row) for row in await tenant_rows(pool, company_id, _VERSIONS, [company_id, limit])]


async def newest(pool: Pool, company_id: int) -> ReturnModel | None:
    """Return the latest version, which predictions use, even if it only holds a reason."""
    latest = await versions(pool, company_id, 1)
    return latest[0] if latest else None
