"""All analytics of a company with a million customers. Floor: fetching one row by its key over the same connection.

Creates the company and a small second one in SQL, rolls them up, and runs every query and the floor in turn. With
`--commits`, it measures instead what queueing a roll-up adds to the transaction of a commit. In a database kept by
`--data`, the small company is measured next to the big one only.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import orjson
import psycopg

from api.return_forecasts import with_forecasts
from bench import commits, kept_database
from bench.kept_database import Database
from db.analytics import journey_analytics, return_models
from db.analytics.churn_predictions import ChurnSearch, churn_predictions
from db.analytics.journey_analytics import AnalyticsQuery, stages_json
from db.analytics.return_probabilities import store_return_probabilities
from db.analytics.revenue import revenue
from db.analytics.rollup_writer import roll_up
from db.analytics.stage_metrics import stage_metrics
from db.analytics.visit_history import load_visit_history
from db.connections import Pool, open_pool, tenant_rows
from journey.bgnbd import Model
from journey.return_fit import FittedModel
from journey.return_forecast import BGNBD, ReturnModel
from journey.stages import DEFAULT_RULEBOOK
from journey.visits import Visits

# Paths of journeys: (stage, days after the start); stages in the future have not been reached yet.
PATHS: tuple[tuple[tuple[str, float], ...], ...] = (
    (("prospect", 0), ("lead", 0.01), ("customer", 3), ("regular", 40), ("at_risk", 130), ("churned", 220)),
    (("prospect", 0), ("lead", 2), ("customer", 9), ("at_risk", 99), ("customer", 150), ("at_risk", 240)),
    (("prospect", 0), ("customer", 0), ("vip", 20), ("at_risk", 110), ("vip", 140), ("at_risk", 260)),
    (("prospect", 0), ("lead", 0.02), ("customer", 5), ("regular", 60), ("vip", 300)),
    (("prospect", 0), ("customer", 0), ("at_risk", 90), ("churned", 180), ("customer", 400), ("at_risk", 490)),
    (("prospect", 0), ("lead", 1), ("customer", 30), ("regular", 75), ("at_risk", 170), ("regular", 200)),
)
MODEL = ReturnModel(BGNBD, bgnbd=Model(r=0.243, alpha=30.9, a=0.793, b=2.426))
DAYS = 3 * 365  # since the first journey started

_JOURNEYS: LiteralString = """
create temporary table path as select * from jsonb_to_recordset(%(paths)s::jsonb)
    as p(path int, sequence int, stage text, before text, days float);
create temporary table journey as
    select %(company)s * 10000000::bigint + i as id, i %% %(kinds)s as path,
           now() - %(days)s * interval '1 day' * i / %(customers)s as started_at
      from generate_series(1, %(customers)s) i;
create temporary table move as
    select id, sequence, before, stage, started_at, started_at + days * interval '1 day' as at,
           lag(days) over w as since, row_number() over (partition by id order by sequence desc) as still
      from journey join path using (path) where started_at + days * interval '1 day' <= now()
    window w as (partition by id order by sequence);
analyze move;
"""

_ROWS: LiteralString = """
insert into customers (id, company_id, external_id, name, email)
    select id, %(company)s, 'c-' || id, 'Customer ' || id, 'c' || id || '@example.com' from journey;
insert into journey_transitions (company_id, relationship_id, sequence, from_stage, to_stage, transitioned_at,
        trigger_type, trigger_event, event_id, version, decided_at, stay, reason)
    select %(company)s, id, sequence, before, stage, at, 'automatic', 'appointment_completed',
           'e-' || id || '-' || sequence, sequence, at,
           at - lag(at) over (partition by id order by sequence), '{"conditions": []}' from move;
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
        version, rules_version)
    select %(company)s, id, 'e-' || id || '-' || sequence, decode(md5(id || '-' || sequence), 'hex'),
           'appointment.completed', at, jsonb_build_object('amount', '80.12'), 'applied', sequence, 1
      from move where stage in ('customer', 'regular', 'vip');
insert into customer_relationships (id, company_id, customer_id, current_stage, stage_entered_at, previous_stage,
        lifetime_value, total_appointments, last_appointment_at, risk_score, engagement_score, version, run_id,
        decided_at, state, next_deadline, next_stage, created_at)
    select m.id, %(company)s, m.id, stage, at, before, 80.12 * coalesce(visits, 0), coalesce(visits, 0), last_visit,
           case stage when 'at_risk' then 0.6 when 'churned' then 0.6 + 0.2 * (m.id %% 2) else 0.3 * (m.id %% 2) end,
           0.5, sequence, 'run', at, jsonb_build_object('f', jsonb_build_object('e', extract(epoch from at))),
           case when stage <> 'churned' then now() + interval '30 days' end, 'churned', started_at
      from move m left join (
          select customer_id, count(*) as visits, max(occurred_at) as last_visit from journey_events
           where company_id = %(company)s group by 1) v on v.customer_id = m.id
     where still = 1;
insert into journey_unrolled (company_id, relationship_id, version, customer_id)
    select %(company)s, id, sequence, id from move;
"""
_INDEXES: LiteralString = """
select indexname, indexdef from pg_indexes where schemaname = 'public'
   and tablename in ('journey_transitions', 'journey_events', 'customer_relationships', 'customers')
   and indexname not in (select conname from pg_constraint)
"""


def fill(url: str, company: int, customers: int) -> None:
    """Create a company with `customers` journeys of about five transitions each, not rolled up yet."""
    kinds = [
        {"path": path, "sequence": n, "stage": stage, "before": moves[n - 2][0] if n > 1 else None, "days": days}
        for path, moves in enumerate(PATHS)
        for n, (stage, days) in enumerate(moves, 1)
    ]
    params = {
        "company": company,
        "customers": customers,
        "kinds": len(PATHS),
        "days": DAYS,
        "paths": orjson.dumps(kinds).decode(),
    }
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(
            "set session_replication_role = replica"
        )  # skip the checks of foreign keys, which the rows satisfy
        connection.execute("set work_mem = '512MB'")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}".encode())
        connection.execute("insert into companies (id, name) values (%s, 'a company')", [company])
        connection.execute(_JOURNEYS, params)
        connection.execute(_ROWS, params)
        for _, definition in indexes:
            connection.execute(definition.encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


Query = Callable[[], Awaitable[Any]]
BIG, SMALL = 1, 2
SMALL_CUSTOMERS = 1000
FLOOR = "one row by its key"


def queries(pool: Pool, company: int) -> dict[str, Query]:
    """The floor first, then every query of the dashboard."""
    today = datetime.now(UTC).date()
    row = "select current_stage, risk_score, lifetime_value from customer_relationships where id = %s"
    key = company * 10_000_000 + 500
    month, year, everything = (AnalyticsQuery(period=period) for period in ("month", "year", "all"))

    async def predictions(search: ChurnSearch) -> bytes:
        found = await churn_predictions(pool, company, DEFAULT_RULEBOOK, search)
        return await with_forecasts(pool, company, found)

    return {
        FLOOR: lambda: tenant_rows(pool, company, row, [key]),
        "distribution": lambda: journey_analytics.distribution(pool, company, month),
        "funnel, month": lambda: journey_analytics.funnel(pool, company, month),
        "funnel, all": lambda: journey_analytics.funnel(pool, company, everything),
        "transitions, month": lambda: journey_analytics.transitions(pool, company, month),
        "transitions, all": lambda: journey_analytics.transitions(pool, company, everything),
        "time in stage": lambda: journey_analytics.time_in_stage(pool, company, month),
        "summary": lambda: journey_analytics.summary(pool, company, month),
        "all of these, month": lambda: journey_analytics.dashboard(pool, company, month),
        "all of these, all": lambda: journey_analytics.dashboard(pool, company, everything),
        "revenue by week, year": lambda: revenue(pool, company, year, "week"),
        "revenue by month, all": lambda: revenue(pool, company, everything, "month"),
        "stage metrics, 30 days": lambda: stage_metrics(
            pool, company, AnalyticsQuery(), today - timedelta(days=29), today
        ),
        "churn predictions, 50": lambda: predictions(ChurnSearch()),
        "… with a high risk": lambda: predictions(ChurnSearch(min_risk=0.3)),
        "… unlikely to return": lambda: predictions(ChurnSearch(max_return_probability=0.5)),
        "… with lost customers": lambda: predictions(ChurnSearch(include_lost=True)),
    }


async def timed(queries: dict[str, Query], rounds: int) -> dict[str, list[float]]:
    """The seconds that each query took. They run in turn, so that other load affects all of them alike."""
    took: dict[str, list[float]] = {name: [] for name in queries}
    for number in range(rounds + 8):
        for name, run in queries.items():
            begin = time.perf_counter()
            await run()
            if number >= 8:  # the first rounds prepare statements and fill caches
                took[name].append(time.perf_counter() - begin)
    return took


def ratio(times: dict[str, list[float]], name: str, of: Callable[[list[float]], float] = statistics.median) -> float:
    """What a query takes, in terms of the floor."""
    return of(times[name]) / of(times[FLOOR])


async def measure(database: Database, customers: int, rounds: int) -> None:
    pool = await open_pool(database.url, min_size=1, max_size=1)
    is_filled = database.kept("filled") is not None
    if not is_filled:
        await _create(database.url, pool, SMALL, SMALL_CUSTOMERS)
    small_before = {} if is_filled else await timed(queries(pool, SMALL), rounds)
    if not is_filled:
        await _create(database.url, pool, BIG, customers)
        database.keep("filled", f"{customers} customers")
    big = await timed(queries(pool, BIG), rounds)
    small_after = await timed(queries(pool, SMALL), rounds)
    print(f"{FLOOR}: {1000 * statistics.median(big[FLOOR]):.2f} ms (median of {rounds})")
    print(
        f"{'query':26}{'ms':>8}{'÷ floor':>9}{'fastest':>9}   small company ÷ its floor, before and after the big one"
    )
    for name in list(big)[1:]:
        small = "".join(f"{ratio(times, name):8.1f}" for times in (small_before, small_after) if times)
        milliseconds = 1000 * statistics.median(big[name])
        print(f"{name:26}{milliseconds:8.2f}{ratio(big, name):9.1f}{ratio(big, name, min):9.1f}   {small:>16}")
    await pool.close()


async def _create(url: str, pool: Pool, company: int, customers: int) -> None:
    """Create, roll up and vacuum a company, store its return probabilities, and print how long it took."""
    begin = time.perf_counter()
    await asyncio.to_thread(fill, url, company, customers)
    rows = await tenant_rows(pool, company, "select count(*) from journey_transitions where company_id = %s", [company])
    print(
        f"{customers:,} customers with {rows[0][0]:,} transitions created in {time.perf_counter() - begin:.0f} s",
        end="",
    )
    begin = time.perf_counter()
    while await roll_up(pool, company, stages_json(DEFAULT_RULEBOOK.all_stages)):
        pass
    print(f", rolled up in {time.perf_counter() - begin:.0f} s", end="")
    begin = time.perf_counter()
    history = await load_visit_history(pool, company, datetime.now(UTC).date())
    await return_models.store(pool, company, history, FittedModel(MODEL, 0, None, {}), None)

    def probability(visits: Visits) -> float:
        return round(MODEL.probability_of_return(visits, history.until.toordinal()), 3)

    await store_return_probabilities(pool, company, history.until, probability)
    print(f", return probabilities stored in {time.perf_counter() - begin:.0f} s", flush=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument(
        "--commits", type=int, metavar="N", help="measure N commits, with and without queueing the roll-up"
    )
    kept_database.add_option(parser)
    options = parser.parse_args()
    async with kept_database.database(None if options.commits else options.data) as database:
        if options.commits:
            await commits.measure(database.url, options.commits)
        else:
            await measure(database, options.customers, options.rounds)


if __name__ == "__main__":
    asyncio.run(main())
