"""Search of customers over HTTP, in a company of a million. Floor: one row by psycopg in a bare route (`bench.read`).

    .venv/bin/python -m bench.search [--customers 1000000] [--seconds 3] [--data FOLDER]

Names are drawn from lists like a phone book's: few are frequent, most are rare. A search is one request at a time, like
a person's, and each follows one of the floor, because other work on the machine slows both down; each kind is repeated
with other customers. The database has the indexes of production and is analyzed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Callable
from urllib.parse import quote

import psycopg

from bench import kept_database
from bench.kept_database import Database
from bench.load import Server, get, serving
from db.people import companies

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


class Requests:
    """Requests to a server, one after the other on one connection."""

    def __init__(self, server: Server, key: str, path: Callable[[], str]) -> None:
        self._server, self._key, self._path = server, key, path
        self.milliseconds: list[float] = []

    async def __aenter__(self) -> Requests:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._writer.close()

    async def send(self) -> None:
        started = time.perf_counter()
        self._writer.write(get(self._path(), self._key))
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await self._reader.readexactly(length)
        self.milliseconds.append(1000 * (time.perf_counter() - started))

    @property
    def warm(self) -> list[float]:
        """What all but the first requests took, the fastest first."""
        return sorted(self.milliseconds[len(self.milliseconds) // 10 :])


async def in_turn(one: Requests, other: Requests, seconds: float) -> tuple[list[float], list[float]]:
    """Send a request of each in turn; return how long those of each took, the fastest first."""
    end = time.perf_counter() + seconds
    async with one, other:
        while time.perf_counter() < end or len(other.milliseconds) < 20:
            await one.send()
            await other.send()
    return one.warm, other.warm


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3, help="length of a measurement")
    kept_database.add_option(parser)
    options = parser.parse_args()
    async with kept_database.database(options.data) as database:
        key = database.kept("key") or await _filled(database, options.customers)
        await measure(database.url, key, options.seconds)


async def _filled(database: Database, customers: int) -> str:
    """Fill an empty database, and return the company's API key."""
    key = await companies.ensure_first(database.url)
    assert key is not None
    started = time.perf_counter()
    await asyncio.to_thread(fill, database.url, customers)
    print(f"{customers:,} customers made in {time.perf_counter() - started:.0f} s", flush=True)
    database.keep("key", key)
    return key


async def measure(url: str, key: str, seconds: float) -> None:
    env = {"DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    floor, ours = Server("bench.read:floor", env), Server("bench.read:ours", env)
    kinds = searches(url)
    async with serving(floor, ours):
        for kind, text in kinds.items():

            def path(text: Callable[[], str] = text) -> str:
                return f"/v1/portal/relationships?search={quote(text())}"

            row = Requests(floor, key, lambda: f"/row/{kinds['customer id']()}")
            rows, taken = await in_turn(row, Requests(ours, key, path), seconds)
            print(f"{kind:32}", *(_compared(name, taken, rows) for name in QUANTILES), sep="  ", flush=True)


QUANTILES = {"fastest": 0.0, "fast": 0.1, "median": 0.5, "p95": 0.95}


def _compared(name: str, taken: list[float], rows: list[float]) -> str:
    """Compare a quantile of the searches with the same one of the floor; the fast ones are least disturbed."""
    search, row = (times[int(QUANTILES[name] * len(times))] for times in (taken, rows))
    return f"{name} {search:.2f} ms = {search / row:.1f} x {row:.2f}"


if __name__ == "__main__":
    asyncio.run(main())
