"""Search of customers over HTTP, in a company of a million. Floor: one row by psycopg in a bare route (`bench.read`).

    .venv/bin/python -m bench.search [--customers 1000000] [--seconds 3]

Names are drawn from lists like a phone book's: few are frequent, most are rare. A search is one request at a time, like
a person's; each kind is repeated with other customers. The database has the indexes of production and is analyzed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg

from bench.load import Server, get, serving
from db.people import companies
from db.schema.migrate import upgrade
from local.embedded import Postgres, running

_JOURNEYS = """
insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, lifetime_value,
    total_appointments, last_appointment_at, risk_score, engagement_score, version, run_id, decided_at, state,
    next_deadline)
select 1, id, (array['customer', 'regular', 'vip', 'at_risk'])[1 + id % 4], now() - random() * interval '300 days',
       round((random() * 900)::numeric, 2), 4, now() - random() * interval '300 days', round(random()::numeric, 2),
       0.61, 9, 'run', now(), '{"f": {"a": 4}}', now() + random() * interval '60 days' from customers
"""
_COPY = "copy customers (company_id, external_id, name, email, phone, phone_e164, phone_e164_of) from stdin"
_TERMS = """
insert into customer_search_terms (company_id, customer_id, term)
select company_id, id, unnest(search_terms(external_id, name, email, phone, phone_e164)) from customers
"""
_INDEXES = """
select indexname, indexdef from pg_indexes
 where tablename in ('customers', 'customer_relationships', 'customer_search_terms')
   and not exists (select from pg_constraint where conname = indexname)
"""
_ONSETS, _VOWELS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "r", "s", "t", "v", "w", "sch", "st"), "aeiouéü"


def word(number: int, syllables: int) -> str:
    """Return a word that can be pronounced, another one for each number."""
    text = ""
    for _ in range(syllables):
        number, onset = divmod(number, len(_ONSETS))
        number, vowel = divmod(number, len(_VOWELS))
        text += _ONSETS[onset] + _VOWELS[vowel]
    return text.capitalize() + "n"


def fill(url: str, customers: int) -> None:
    """Create the customers with their journeys. 600 first and 40,000 family names; the first have thousands each."""
    chance = random.Random(1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # no triggers: the terms are written at once
        connection.execute("set maintenance_work_mem = '1GB'")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}".encode())
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for n in range(customers):
                first, last = int(600 * chance.random() ** 2), int(40_000 * chance.random() ** 3)
                name = f"{word(first * 7, 2)} {word(last * 11 + 5, 3)}"
                phone, e164 = f"030 {10_000_000 + n}", f"+4930{10_000_000 + n}"
                copy.write_row((1, f"c-{n}", name, f"mail{n}@example{n % 500}.com", phone, e164, phone))
        connection.execute(_TERMS)
        connection.execute(_JOURNEYS)
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute("vacuum analyze")


def searches(url: str) -> dict[str, Callable[[], str]]:
    """What is searched for, by kind: each call has another customer."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select external_id, name, email, phone from customers order by random() limit 400"
        ).fetchall()
    chance = random.Random(1)

    def one_of(make: Callable[[str, str, str, str], str]) -> Callable[[], str]:
        return lambda: make(*chance.choice(rows))

    def swapped(name: str) -> str:
        first, last = name.split()
        return f"{last[:3]}{last[4]}{last[3]}{last[5:]} {first}"

    return {
        "name": one_of(lambda _id, name, _email, _phone: name),
        "name, other order, no accent": one_of(
            lambda _id, name, _e, _p: " ".join(reversed(name.replace("é", "e").split()))
        ),
        "name with a typo": one_of(lambda _id, name, _email, _phone: swapped(name)),
        "family name": one_of(lambda _id, name, _email, _phone: name.split()[1]),
        "first name": one_of(lambda _id, name, _email, _phone: name.split()[0]),
        "three letters": one_of(lambda _id, name, _email, _phone: name.split()[1][:3]),
        "one letter": one_of(lambda _id, name, _email, _phone: name[0]),
        "phone, national": one_of(lambda _id, _name, _email, phone: phone.replace(" ", "/")),
        "phone, international": one_of(lambda _id, _name, _email, phone: f"+49 {phone[1:]}"),
        "phone, last digits": one_of(lambda _id, _name, _email, phone: phone[-7:]),
        "e-mail address": one_of(lambda _id, _name, email, _phone: email),
        "customer id": one_of(lambda customer, _name, _email, _phone: customer),
        "nobody": lambda: f"{chance.randbytes(6).hex()} x",
    }


async def milliseconds(server: Server, key: str, path: Callable[[], str], seconds: float) -> list[float]:
    """Send one request after the other and return how long each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 20:
        started = time.perf_counter()
        writer.write(get(path(), key))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(1000 * (time.perf_counter() - started))
    writer.close()
    return taken[len(taken) // 10 :]  # without the first, which warm up


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3, help="length of a measurement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:
        async with running(Postgres(Path(folder))) as postgres:
            upgrade(postgres.url)
            key = await companies.ensure_first(postgres.url)
            assert key is not None
            started = time.perf_counter()
            await asyncio.to_thread(fill, postgres.url, options.customers)
            print(f"{options.customers:,} customers made in {time.perf_counter() - started:.0f} s", flush=True)
            await measure(postgres.url, key, options.seconds)


async def measure(url: str, key: str, seconds: float) -> None:
    env = {"DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    floor, ours = Server("bench.read:floor", env), Server("bench.read:ours", env)
    kinds = searches(url)
    async with serving(floor, ours):
        for kind, text in kinds.items():
            # Next to each other, because other work on the machine slows down both.
            rows = await milliseconds(floor, key, lambda: f"/row/{kinds['customer id']()}", seconds)

            def path(text: Callable[[], str] = text) -> str:
                return f"/v1/portal/relationships?search={quote(text())}"

            taken = sorted(await milliseconds(ours, key, path, seconds))
            median, p95 = statistics.median(taken), taken[int(0.95 * len(taken))]
            row = statistics.median(rows)
            ratio = f"{median / row:5.1f} x one row ({row:.2f} ms)"
            print(f"{kind:32} {median:8.2f} ms = {ratio}   p95 {p95:8.2f} ms", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
