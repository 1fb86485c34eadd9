"""GET of one journey. Floor: one row by psycopg in a bare Starlette route, on the same kind of server.

Both servers are separate processes on the same Postgres and are measured in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.app import create_app
from bench.load import Server, for_seconds, get, load, serving
from db.connections import Pool, owner_connection
from db.people import companies
from db.schema.migrate import upgrade
from local.embedded import Postgres, running
from settings import Settings

_ROW = """
select r.id, r.current_stage, r.stage_entered_at, r.lifetime_value::text, r.risk_score::text
from customers c join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
where c.company_id = 1 and c.external_id = %s
"""

# Five events and four transitions, slightly more than the average customer of the example logs.
_FILL = """
with made as (
    insert into customers (company_id, external_id) select 1, 'c-' || n from generate_series(1, %(customers)s) n
    returning id),
standing as (
    insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, previous_stage,
        lifetime_value, total_appointments, last_appointment_at, risk_score, engagement_score, version, run_id,
        decided_at, state, next_deadline, next_stage)
    select 1, id, 'regular', now() - interval '20 days', 'customer', 320.50, 4, now() - interval '20 days', 0, 0.61, 9,
        'run', now(), '{"f": {"a": 4}}', now() + interval '10 days', null from made returning id),
moves as (
    insert into journey_transitions (company_id, relationship_id, sequence, from_stage, to_stage, transitioned_at,
        trigger_type, trigger_event, event_id, version, reason, decided_at)
    select 1, id, n, (array[null, 'prospect', 'lead', 'customer'])[n],
        (array['prospect', 'lead', 'customer', 'regular'])[n], now() - interval '100 days' + n * interval '20 days',
        'automatic', 'appointment_completed', 'e-' || n, n,
        '{"conditions": [{"is": 3, "fact": "count", "holds": true, "must_be": ">= 3"}]}', now()
    from standing, generate_series(1, 4) n)
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
    version, rules_version)
select 1, id, 'e-' || id || '-' || n, decode(md5(id || '-' || n), 'hex'), 'appointment.completed',
    now() - interval '100 days' + n * interval '8 days',
    jsonb_build_object('id', 'e-' || n, 'type', 'appointment.completed', 'amount', '80.12'), 'applied', n, 1
from made, generate_series(1, 5) n
"""


def ours() -> FastAPI:
    """The gateway, with a rate limit that is never reached."""
    return create_app(Settings(rate_limit="1000000000/minute"))


def floor() -> Starlette:
    """One row by psycopg from a pool, encoded by orjson, in a bare route."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # As the database owner, to whom no row-level policy applies: the floor has no tenants.
        kwargs = {"autocommit": True, "prepare_threshold": 2}
        async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=2, max_size=8, kwargs=kwargs) as pool:
            app.state.pool = pool
            yield

    async def row(request: Request) -> Response:
        pool: Pool = request.app.state.pool
        async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_ROW, [request.path_params["customer_id"]])
            fields = await cursor.fetchone()
        return Response(orjson.dumps(fields), media_type="application/json")

    return Starlette(routes=[Route("/row/{customer_id}", row)], lifespan=lifespan)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="length of a measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--customers", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:
        async with running(Postgres(Path(folder))) as postgres:
            upgrade(postgres.url)
            key = await companies.ensure_first(postgres.url)
            assert key is not None
            async with owner_connection(postgres.url) as connection:
                await connection.execute(_FILL, {"customers": options.customers})
            async with owner_connection(postgres.url) as connection:
                await connection.execute("analyze")
            await measure(postgres.url, key, options)


async def measure(url: str, key: str, options: argparse.Namespace) -> None:
    env = {"DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    servers = {"floor": Server("bench.read:floor", env), "ours": Server("bench.read:ours", env)}
    paths = {"floor": "/row/c-{}", "ours": "/v1/portal/customers/c-{}/journey"}
    rates: dict[str, list[float]] = {"floor": [], "ours": []}
    costs: dict[str, list[float]] = {"floor": [], "ours": []}
    async with serving(*servers.values()):
        for number in range(options.rounds + 1):
            for name, server in servers.items():
                path = paths[name]

                def request(n: int, path: str = path) -> bytes:
                    return get(path.format(1 + n * 7919 % options.customers), key)

                before, begin = server.cpu(), time.perf_counter()
                rate = await load(server.port, for_seconds(options.seconds, request), options.connections)
                if number:  # the first round warms up
                    rates[name].append(rate)
                    costs[name].append((server.cpu() - before) / (rate * (time.perf_counter() - begin)))
    ratios = [mine / its for mine, its in zip(rates["ours"], rates["floor"], strict=True)]
    print(
        f"read     {statistics.median(rates['ours']):8.0f} requests/s"
        f"   floor {statistics.median(rates['floor']):8.0f}/s"
        f"   ours ÷ floor {statistics.median(ratios):.2f}  (of {', '.join(f'{r:.2f}' for r in ratios)})"
    )
    for name, cost in costs.items():
        print(f"  {name}: {1e6 * statistics.median(cost):.0f} µs of server CPU per request")


if __name__ == "__main__":
    asyncio.run(main())
