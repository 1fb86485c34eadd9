"""The cost of change tracking per commit: none, a transaction id column (B-tree or BRIN index), or NOTIFY.

    .venv/bin/python -m bench.changes [--seconds 5] [--writers 8]

Runs real updates of `customer_relationships`, each in its own transaction that is flushed to disk, from as many
connections as several workers have. Next to each rate it prints the time of one query for recent changes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from db.schema.migrate import upgrade
from local.embedded import Postgres, running

ROWS = 50_000

FILL = """
insert into companies (id, name) values (1, 'a');
insert into customers (company_id, external_id) select 1, 'c' || n from generate_series(1, 50000) n;
insert into customer_relationships
    (company_id, customer_id, current_stage, stage_entered_at, version, run_id, decided_at, state, next_deadline)
    select 1, id, 'customer', now(), 1, repeat('r', 36), now(),
           jsonb_build_object('f', jsonb_build_object('e', 1e9, 'pad', repeat('x', 300))), now() from customers;
"""
UPDATE = (
    "update customer_relationships set version = version + 1, updated_at = now(), decided_at = now(),"
    " next_deadline = now() + interval '30 days', risk_score = 0.3 where company_id = 1 and id = %s"
)
WITHOUT = """
drop trigger if exists changed on customer_relationships;
drop index if exists customer_relationships_changed;
"""
STAMP = "create trigger changed before insert or update on customer_relationships for each row execute function stamp()"
NOTIFY = "create trigger changed after insert or update on customer_relationships for each row execute function tell()"
FUNCTIONS = """
create or replace function stamp() returns trigger language plpgsql as
    $$ begin new.changed := pg_current_xact_id()::text::bigint; return new; end $$;
create or replace function tell() returns trigger language plpgsql as
    $$ begin perform pg_notify('changes', new.company_id || ':' || new.customer_id); return null; end $$;
"""
BTREE = "create index customer_relationships_changed on customer_relationships (company_id, changed)"
BRIN = (
    "create index customer_relationships_changed on customer_relationships using brin (changed)"
    " with (pages_per_range = 16, autosummarize = on)"
)
VARIANTS: dict[str, list[str]] = {
    "untracked": [],
    "set, b-tree": [BTREE],
    "trigger, b-tree": [STAMP, BTREE],
    "trigger, brin": [STAMP, BRIN],
    "notify": [NOTIFY],
}
RECENT_CHANGES = (
    "select count(*) from customer_relationships where company_id = 1"
    " and changed >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 50"
)


UPDATE_WITH_ID = UPDATE.replace(" where", ", changed = pg_current_xact_id()::text::bigint where")


async def write(url: str, until: float, statement: str) -> int:
    done = 0
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=1) as connection:
        while time.monotonic() < until:
            await connection.execute(statement.encode(), [random.randint(1, ROWS)])
            done += 1
    return done


async def main(seconds: float, writers: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder))) as postgres:
            await asyncio.to_thread(upgrade, postgres.url)
            with psycopg.connect(postgres.url, autocommit=True) as admin:
                admin.execute(WITHOUT)
                for trigger in ("inserted", "updated"):  # the schema's own
                    admin.execute(f"drop trigger {trigger} on customer_relationships".encode())
                admin.execute(FILL)
                admin.execute(FUNCTIONS)
                rates: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
                query_times: dict[str, float] = {}
                for _ in range(rounds):
                    for variant, statements in VARIANTS.items():
                        admin.execute(WITHOUT)
                        for statement in statements:
                            admin.execute(statement.encode())
                        admin.execute("vacuum analyze customer_relationships")
                        until = time.monotonic() + seconds
                        statement = UPDATE_WITH_ID if variant.startswith("set") else UPDATE
                        done = await asyncio.gather(*(write(postgres.url, until, statement) for _ in range(writers)))
                        rates[variant].append(sum(done) / seconds)
                        if statements and variant != "notify":
                            began = time.perf_counter()
                            for _ in range(20):
                                admin.execute(RECENT_CHANGES)
                            query_times[variant] = (time.perf_counter() - began) / 20
    floor = statistics.median(rates["untracked"])
    for variant, measured in rates.items():
        rate = statistics.median(measured)
        query = f"  query {1000 * query_times[variant]:.2f} ms" if variant in query_times else ""
        print(f"{variant:16} {rate:8.0f} commits/s  {rate / floor:5.2f}{query}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.seconds, options.writers, options.rounds))
