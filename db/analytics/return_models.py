"""The versions of a company's model of who comes back: what was fitted, on which history, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql
from psycopg.types.json import Jsonb

from db.analytics.visit_history import History
from db.connections import Pool, tenant, tenant_rows
from journey.bgnbd import METHOD, Model


@dataclass(frozen=True, slots=True)
class ReturnModel:
    """One version: `parameters` (`r`, `alpha` in days, `a`, `b`) and `log_likelihood`, or the `reason` for none."""

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
    history: History,
    parameters: Mapping[str, float] | None,
    log_likelihood: float | None,
    reason: str | None,
) -> ReturnModel:
    """Keep what was fitted on a history as the company's next version."""
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
    async with tenant(pool, company_id) as connection:
        # one at a time, or two fits would make the same version
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"return_models/{company_id}"]
        )
        row = await (await connection.execute(_STORE, values)).fetchone()
    assert row is not None
    return ReturnModel(*row)


async def versions(pool: Pool, company_id: int, limit: int = 1000) -> list[ReturnModel]:
    """The newest versions, newest first."""
    return [ReturnModel(*row) for row in await tenant_rows(pool, company_id, _VERSIONS, [company_id, limit])]


async def newest(pool: Pool, company_id: int) -> ReturnModel | None:
    """The version that predictions are made by: the last one, be it only the reason why there is none."""
    found = await versions(pool, company_id, 1)
    return found[0] if found else None
