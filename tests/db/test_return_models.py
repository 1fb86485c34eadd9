"""Visit histories from the ledger, and the versions of return models."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from activities.return_models import fit_company
from bench.fit import fill
from db.analytics import return_models
from db.analytics.return_models import newest, versions
from db.analytics.visit_history import VisitHistory, load_visit_history, visits_of_customers
from db.connections import Pool
from journey import return_forecast
from journey.bgnbd import Model
from journey.bgnbd_fit import fit
from journey.event_validation import from_fields
from journey.return_fit import FittedModel
from journey.time import to_micros
from tests.support.customers import simulated
from tests.support.journey_rows import insert_company

TODAY = datetime.now(UTC).date()


def event(
    database_url: str,
    company: int,
    customer: int,
    at: str,
    *,
    outcome: str = "applied",
    kind: str = "",
    payload: str = "{}",
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,"
            " outcome, version, rules_version)"
            " values (%s, %s, gen_random_uuid(), decode(md5(random()::text), 'hex'), %s, %s, %s, %s, 1, 1)",
            [company, customer, kind or "appointment.completed", at, payload, outcome],
        )


@pytest.fixture
def ledger(database_url: str) -> str:
    """Company 1 with customers c-1 to c-4, company 2 with one c-1."""
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into companies (id, name) values (1, 'one'), (2, 'two')")
        connection.execute(
            "insert into customers (id, company_id, external_id)"
            " select n, 1, 'c-' || n from generate_series(1, 4) n union all select 9, 2, 'c-1'"
        )
    return database_url


async def test_corrections_count_on_the_day_of_the_visit_from_their_own_day_on(database_url: str, pool: Pool) -> None:
    """A visit with another amount from the 3rd on, one retracted on the 5th, a miss that was a visit after all."""

    def about(day: int, kind: str, **fields: str) -> dict[str, str]:
        at = f"2026-03-{day:02}T12:00:00Z"
        return {"id": f"{kind}-{day}", "type": kind, "customer_id": "c", "occurred_at": at, **fields}

    events = [
        about(1, "appointment.completed", appointment_id="one", amount="100.00"),
        about(2, "appointment.completed", appointment_id="two", amount="30.00"),
        about(3, "appointment.completed", appointment_id="one", amount="80.00"),
        about(4, "appointment.missed", appointment_id="three"),
        about(5, "event.retracted", retracts="appointment.completed-2"),
        about(6, "appointment.completed", appointment_id="three", amount="20.00"),
    ]
    now = to_micros(datetime(2026, 4, 1, tzinfo=UTC))
    insert_company(database_url, 5, [[from_fields(fields) for fields in events]], now)
    first = date(2026, 3, 1).toordinal()
    known = []
    for day in range(1, 7):
        visits = (await visits_of_customers(pool, 5, ["c"], date(2026, 3, day)))["c"]
        came = {number - first + 1: amount for number, amount in zip(visits.days, visits.amounts, strict=True)}
        known.append((came, [number - first + 1 for number in visits.missed]))
    assert known == [
        ({1: 100}, []), ({1: 100, 2: 30}, []), ({1: 80, 2: 30}, []), ({1: 80, 2: 30}, [4]), ({1: 80}, [4]),
        ({1: 80, 6: 20}, []),
    ]  # fmt: skip


async def test_visits_are_utc_days_with_a_completed_appointment(pool: Pool, ledger: str) -> None:
    event(ledger, 1, 1, "2026-03-01T23:30:00-02:00")  # the second of March in UTC
    event(ledger, 1, 1, "2026-03-02T20:00:00Z", payload='{"amount": "50.00"}')
    event(ledger, 1, 1, "2026-03-10T00:00:00Z")
    event(ledger, 1, 1, "2026-03-20T09:00:00Z", kind="appointment.cancelled")
    event(ledger, 1, 1, "2026-03-20T09:00:00Z", outcome="conflict")
    event(ledger, 1, 1, "2026-04-02T00:00:00Z")  # after the last day of the history
    for customer in (2, 3):
        event(ledger, 1, customer, "2026-03-31T23:59:59Z")
    event(ledger, 1, 4, "2026-04-01T23:59:59Z")
    event(ledger, 2, 9, "2026-01-01T00:00:00Z")
    until = date(2026, 4, 1)
    history = await load_visit_history(pool, 1, until)
    first = date(2026, 3, 2).toordinal()
    assert sorted((list(v.days), list(v.amounts), list(v.missed)) for v in history.visits) == [
        ([first, first + 8], [50.0, 0.0], [first + 18]),
        ([first + 29], [0.0], []),
        ([first + 29], [0.0], []),
        ([first + 30], [0.0], []),
    ]
    assert (history.customers, history.returned, history.days, history.since) == (4, 1, 30, date(2026, 3, 2))
    customers = ["c-1", "c-2", "c-4", "nobody"]
    found = await visits_of_customers(pool, 1, customers, until)
    summaries = {customer: (v.x, v.t_x, v.age(until.toordinal())) for customer, v in found.items()}
    assert summaries == {"c-1": (1, 8, 30), "c-2": (0, 0, 1), "c-4": (0, 0, 0)}
    assert list(found["c-1"].amounts) == [50.0, 0.0]
    assert await visits_of_customers(pool, 1, ["c-4"], date(2026, 3, 31)) == {}
    of_the_other = await visits_of_customers(pool, 2, customers, until)
    assert list(of_the_other["c-1"].days) == [date(2026, 1, 1).toordinal()]


async def test_a_company_without_events_has_a_reason_instead_of_a_model(pool: Pool, ledger: str) -> None:
    assert (await newest(pool, 1), await versions(pool, 1)) == (None, [])
    version = await fit_company(pool, 1)
    assert (version.version, version.parameters, version.log_likelihood, version.history_from) == (1, None, None, None)
    assert (version.customers, version.returned_customers, version.history_to) == (0, 0, TODAY)
    assert version.reason == "too little history: 0 customers with an appointment, at least 100 needed"
    assert version.model is None
    assert await newest(pool, 1) == version


async def test_each_fit_is_a_new_version(pool: Pool, database_url: str) -> None:
    customers, visits = simulated(400, 300, seed=5, whole_days=True)
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into companies (id, name) values (1, 'one'), (2, 'two')")
    fill(database_url, 1, visits, customers[2])
    version = await fit_company(pool, 1)
    alone = fit(*customers, allow_limits=True)
    assert version.model is not None
    assert version.model.bgnbd is not None
    assert version.model.bgnbd.alpha == pytest.approx(alone.model.alpha, rel=1e-6)
    assert version.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-12)
    assert (version.customers, version.returned_customers) == (400, int((customers[0] > 0).sum()))
    assert version.history_from == TODAY - timedelta(days=int(customers[2].max()))
    assert (version.method, version.reason) == (version.model.method, None)
    assert version.comparison is not None
    assert version.comparison.keys() == {"corrected BG/NBD", "BG/NBD", "recency"}
    assert version.comparison[version.method]["auc"] > 0.5
    again = await asyncio.gather(fit_company(pool, 1), fit_company(pool, 1), fit_company(pool, 2))
    assert {(version.version, version.customers) for version in again} == {(2, 400), (3, 400), (1, 0)}
    assert [version.version for version in await versions(pool, 1)] == [3, 2, 1]
    last = await newest(pool, 1)
    assert last is not None
    assert (last.version, last.parameters) == (3, version.parameters)


async def test_customers_who_are_never_lost_have_a_model(pool: Pool, ledger: str) -> None:
    with psycopg.connect(ledger) as connection:
        connection.execute(
            "insert into customers (id, company_id, external_id)"
            " select n, 1, 'd-' || n from generate_series(100, 299) n"
        )
        connection.execute(  # a visit every tenth day until today: no customer is ever lost
            "insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,"
            " outcome, version, rules_version)"
            " select 1, n, n || '-' || d, decode(md5(n || '-' || d), 'hex'), 'appointment.completed',"
            " current_date - 10 * d, '{}', 'applied', 1, 1 from generate_series(100, 299) n, generate_series(0, 20) d"
        )
    version = await fit_company(pool, 1)
    assert (version.customers, version.reason) == (200, None)
    assert version.model is not None
    assert version.model.bgnbd is not None
    assert version.model.bgnbd.a < 0.01  # the limit of BG/NBD: nobody becomes inactive


async def test_versions_of_before_predict_with_bgnbd(pool: Pool, ledger: str) -> None:
    with psycopg.connect(ledger) as connection:
        connection.execute(
            "insert into return_models (company_id, version, method, history_to, customers, returned_customers,"
            " parameters, log_likelihood) values (1, 1, 'BG/NBD', current_date, 100, 50,"
            ' \'{"r": 0.25, "alpha": 30, "a": 0.8, "b": 2.5}\', -1.5)'
        )
    version = await newest(pool, 1)
    assert version is not None
    assert version.model == return_forecast.ReturnModel("BG/NBD", bgnbd=Model(0.25, 30, 0.8, 2.5))


async def test_a_version_is_a_model_or_a_reason(pool: Pool, ledger: str) -> None:
    model = FittedModel(return_forecast.ReturnModel("BG/NBD", bgnbd=Model(1.0, 1.0, 1.0, 1.0)), -1.0, None, {})
    for fitted, reason in [(None, None), (model, "why")]:
        with pytest.raises(psycopg.errors.CheckViolation):
            await return_models.store(pool, 1, VisitHistory(TODAY), fitted, reason)
