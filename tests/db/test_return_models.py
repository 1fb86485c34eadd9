"""Visit histories from the ledger, and the versions of return models."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from activities.return_models import fit_company
from bench.fit import fill
from db.analytics import return_models
from db.analytics.return_models import newest, versions
from db.analytics.visit_history import VisitHistory, VisitSummary, load_visit_history, visit_summaries
from db.connections import Pool
from journey.bgnbd_fit import fit
from tests.support.customers import simulated

TODAY = datetime.now(UTC).date()


def event(database_url: str, company: int, customer: int, at: str, *, outcome: str = "applied", kind: str = "") -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,"
            " outcome, version, rules_version)"
            " values (%s, %s, gen_random_uuid(), decode(md5(random()::text), 'hex'), %s, %s, '{}', %s, 1, 1)",
            [company, customer, kind or "appointment.completed", at, outcome],
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


async def test_visits_are_utc_days_with_a_completed_appointment(pool: Pool, ledger: str) -> None:
    event(ledger, 1, 1, "2026-03-01T23:30:00-02:00")  # the second of March in UTC
    event(ledger, 1, 1, "2026-03-02T20:00:00Z")
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
    likes = sorted(zip(history.x, history.t_x, history.age, history.counts, strict=True))
    assert likes == [(0, 0, 0, 1), (0, 0, 1, 2), (1, 8, 30, 1)]
    assert (history.customers, history.returned, history.days, history.since) == (4, 1, 30, date(2026, 3, 2))
    customers = ["c-1", "c-2", "c-4", "nobody"]
    assert await visit_summaries(pool, 1, customers, until) == {
        "c-1": VisitSummary(1, 8, 30),
        "c-2": VisitSummary(0, 0, 1),
        "c-4": VisitSummary(0, 0, 0),
    }
    assert await visit_summaries(pool, 1, ["c-4"], date(2026, 3, 31)) == {}
    assert await visit_summaries(pool, 2, customers, until) == {"c-1": VisitSummary(0, 0, 90)}


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
    alone = fit(*customers)
    assert version.model is not None
    assert version.model.alpha == pytest.approx(alone.model.alpha, rel=1e-6)
    assert version.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-12)
    assert (version.customers, version.returned_customers) == (400, int((customers[0] > 0).sum()))
    assert version.history_from == TODAY - timedelta(days=int(customers[2].max()))
    assert (version.method, version.reason) == ("BG/NBD", None)
    again = await asyncio.gather(fit_company(pool, 1), fit_company(pool, 1), fit_company(pool, 2))
    assert {(version.version, version.customers) for version in again} == {(2, 400), (3, 400), (1, 0)}
    assert [version.version for version in await versions(pool, 1)] == [3, 2, 1]
    last = await newest(pool, 1)
    assert last is not None
    assert (last.version, last.parameters) == (3, version.parameters)


async def test_a_fit_without_a_maximum_is_stored_with_a_reason(pool: Pool, ledger: str) -> None:
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
    assert (version.customers, version.model) == (200, None)
    assert version.reason is not None
    assert "no maximum" in version.reason


async def test_a_version_is_a_model_or_a_reason(pool: Pool, ledger: str) -> None:
    for parameters, likelihood, reason in [(None, None, None), ({"r": 1.0}, -1.0, "why"), ({"r": 1.0}, None, None)]:
        with pytest.raises(psycopg.errors.CheckViolation):
            await return_models.store(pool, 1, VisitHistory(TODAY), parameters, likelihood, reason)
