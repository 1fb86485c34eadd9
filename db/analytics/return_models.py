"""Store and read the versions of a company's return model: its parameters, or the reason why none could be fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql
from psycopg.types.json import Jsonb

from db.analytics.visit_history import VisitHistory
from db.connections import Pool, tenant_rows, tenant_transaction
from journey.bgnbd import METHOD, Model


@dataclass(frozen=True, slots=True)
class ReturnModel:
    """One version: `parameters` (`r`, `alpha` in days, `a`, `b`) and `log_likelihood`, or a `reason` without them."""

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

    @property
    def model(self) -> Model | None:
        return None if self.parameters is None else Model(**self.parameters)


_COLUMNS = sql.SQL(
    "id, version, method, fitted_at, history_from, history_to, customers, returned_customers, parameters,"
    " log_likelihood, reason"
)
_VERSIONS = sql.SQL("select {} from return_models where company_id = %s order by version desc limit %s").format(
    _COLUMNS
)
_STORE = sql.SQL("""
insert into return_models (company_id, version, method, history_from, history_to, customers, returned_customers,
    parameters, log_likelihood, reason)
select %(company)s, coalesce(max(version), 0) + 1, %(method)s, %(from)s, %(to)s, %(customers)s, %(returned)s,
       %(parameters)s, %(log_likelihood)s, %(reason)s
  from return_models where company_id = %(company)s
returning {}
""").format(_COLUMNS)


async def store(
    pool: Pool,
    company_id: int,
    history: VisitHistory,
    parameters: Mapping[str, float] | None,
    log_likelihood: float | None,
    reason: str | None,
) -> ReturnModel:
    """Store the result of a fit as the company's next version."""
    values = {
        "company": company_id,
        "method": METHOD,
        "from": history.since,
        "to": history.until,
        "customers": history.customers,
        "returned": history.returned,
        "parameters": None if parameters is None else Jsonb(dict(parameters)),
        "log_likelihood": log_likelihood,
        "reason": reason,
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
