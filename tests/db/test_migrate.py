"""Migrations: repeated, concurrent, failed, and downgraded."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from db.connections import owner_connection
from db.people import customers, phone_numbers
from db.schema import migrate, revision
from tests.conftest import NewDatabase
from tests.db.conftest import application_pool

REPOSITORY = Path(__file__).parents[2]


def test_a_second_upgrade_changes_nothing(new_database: NewDatabase) -> None:
    url = new_database()
    assert migrate.current(url) is None
    applied = migrate.upgrade(url)
    assert applied[0] == "0001"
    assert applied[-1] == revision.head() == migrate.current(url)
    assert migrate.upgrade(url) == []


async def test_the_revision_is_read_without_alembic(new_database: NewDatabase) -> None:
    url = new_database()
    async with owner_connection(url) as connection:
        assert await revision.current(connection) is None
    await asyncio.to_thread(migrate.upgrade, url)
    async with owner_connection(url) as connection:
        assert await revision.current(connection) == migrate.current(url) == revision.head()
    script = "import sys, cli.system.health_check; print(sorted({'alembic', 'sqlalchemy', 'httpx2'} & {*sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


async def test_concurrent_processes_migrate_once(new_database: NewDatabase) -> None:
    url = new_database()
    script = "import sys; from db.schema.migrate import upgrade; print(len(upgrade(sys.argv[1])))"
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, url, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    applied = sorted([int((await process.communicate())[0]) for process in started])
    assert applied[:2] == [0, 0]
    assert applied[2] > 0


async def test_concurrent_threads_do_not_interfere(new_database: NewDatabase) -> None:
    urls = [new_database() for _ in range(3)]
    applied = await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, url) for url in urls))
    assert all(applied)


def test_a_failed_upgrade_is_rolled_back(new_database: NewDatabase) -> None:
    url = new_database()
    with psycopg.connect(url) as connection:
        connection.execute("create table audit_log ()")  # conflicts with the last table
    with pytest.raises(Exception, match="already exists"):
        migrate.upgrade(url)
    assert migrate.current(url) is None
    with psycopg.connect(url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    assert tables == [("audit_log",)]


def test_downgrade_and_upgrade_again(database_url: str) -> None:
    with create_engine(migrate.sqlalchemy_url(database_url)).begin() as connection:
        command.downgrade(migrate.configuration(connection), "base")
    assert migrate.current(database_url) is None
    assert migrate.upgrade(database_url)


@contextmanager
def owned_at(url: str, revision: str) -> Iterator[str]:
    """Downgrade a database and yield the URL of its new owner.

    The owner is not a superuser, so that FORCE ROW LEVEL SECURITY applies to their migrations.
    """
    owner = f"owner_{uuid4().hex}"
    with create_engine(migrate.sqlalchemy_url(url)).begin() as connection:
        command.downgrade(migrate.configuration(connection), revision)
    with psycopg.connect(url) as superuser:
        superuser.execute(f"create role {owner} login; grant perdure_app to {owner}".encode())
        superuser.execute(f"grant all on schema public to {owner}".encode())
        for (table,) in superuser.execute("select tablename from pg_tables where schemaname = 'public'").fetchall():
            superuser.execute(f"alter table {table} owner to {owner}".encode())
        superuser.execute(f"alter policy operator on companies to {owner}".encode())
    yield url.replace("//postgres@", f"//{owner}@")
    with psycopg.connect(url) as superuser:
        superuser.execute(f"reassign owned by {owner} to postgres; drop owned by {owner}; drop role {owner}".encode())


def test_existing_rows_get_their_stays_and_are_enqueued(two_companies: str) -> None:
    with owned_at(two_companies, "0002") as owners_url:
        with psycopg.connect(two_companies) as superuser:
            superuser.execute(
                "insert into journey_transitions (company_id, relationship_id, sequence, from_stage, to_stage,"
                " transitioned_at, trigger_type, version, decided_at)"
                " select company_id, relationship_id, s, 'lead', 'vip',"
                " transitioned_at + (s - 1) * s * interval '1 hour', 'manual', s, now()"
                " from journey_transitions, generate_series(2, 3) s"
            )
        assert migrate.upgrade(owners_url)
        with psycopg.connect(two_companies) as superuser:
            stays = superuser.execute("select sequence, stay from journey_transitions order by company_id, sequence")
            assert stays.fetchall() == [(1, None), (2, timedelta(hours=2)), (3, timedelta(hours=4))] * 2
            waiting = superuser.execute(
                "select company_id, relationship_id, max(version) from journey_unrolled group by 1, 2"
            )
            assert sorted(waiting.fetchall()) == [(1, 1, 1), (2, 2, 1)]
            assert superuser.execute("select * from unrolled_companies()").fetchall() == [(1,), (2,)]


def test_unsubscribes_in_the_audit_log_become_withdrawals(two_companies: str) -> None:
    with owned_at(two_companies, "0010") as owners_url:
        with psycopg.connect(two_companies) as superuser:
            superuser.execute(
                "update customers set email = 'Ada@Straße.example', phone = '+49 (0)30 123456',"
                """ consent = '{"email": true, "sms": true}'"""
            )
            superuser.execute(
                "insert into audit_log (company_id, at, actor, action, subject, details) values"
                """ (1, '2026-01-01', 'customer', 'consent.end', 'customer/x1', '{"channel": "email"}'),"""
                """ (1, '2026-01-02', 'customer', 'consent.end', 'customer/x1', '{"channel": "email"}'),"""
                """ (1, '2026-01-03', 'customer', 'consent.end', 'customer/x1', '{"channel": "sms"}'),"""
                """ (1, '2026-01-04', 'customer', 'consent.end', 'customer/x1', '{"channel": "pigeon"}'),"""
                """ (2, '2026-01-05', 'customer', 'consent.end', 'customer/x1', '{"channel": "email"}')"""
            )
        assert migrate.upgrade(owners_url)
        with psycopg.connect(two_companies) as superuser:
            withdrawals = superuser.execute(
                "select company_id, customer_id, channel, address, address_key, source, extract(day from at)::int"
                " from consent_withdrawals order by at"
            )
            assert withdrawals.fetchall() == [
                (1, 1, "email", "ada@xn--strae-oqa.example", "ada", "customer", 2),
                (1, 1, "sms", "+4930123456", "123456", "customer", 3),
                (1, 1, "pigeon", "", "", "customer", 4),
            ]
            consents = superuser.execute("select consent from customers order by id")
            assert consents.fetchall() == [({"email": False, "sms": False},), ({"email": True, "sms": True},)]


async def test_existing_phone_numbers_are_read_after_the_migration(two_companies: str) -> None:
    with owned_at(two_companies, "0011") as owners_url:
        with psycopg.connect(two_companies) as superuser:
            superuser.execute("update customers set phone = '+49 (0)30 123456'")
        assert migrate.upgrade(owners_url)
        async with application_pool(two_companies) as pool:
            assert await phone_numbers.read_batch(pool, 1) == 1
            profile = await customers.get(pool, 1, "x1")
        assert profile is not None
        assert (profile["phone"], profile["phone_e164"]) == ("+49 (0)30 123456", "+4930123456")


@pytest.mark.parametrize(
    ("url", "host", "database", "query"),
    [
        ("postgresql://me@/mine?host=/tmp/some%20where", None, "mine", {"host": "/tmp/some where"}),
        ("postgresql://me:p%40ss@db:5433/mine", "db", "mine", {}),
        (
            "postgres://db/mine?sslmode=require&options=-c%20a=b",
            "db",
            "mine",
            {"sslmode": "require", "options": "-c a=b"},
        ),
    ],
)
def test_libpq_urls_are_understood(url: str, host: str | None, database: str, query: dict[str, str]) -> None:
    converted = make_url(migrate.sqlalchemy_url(url))
    assert (converted.drivername, converted.host, converted.database, dict(converted.query)) == (
        "postgresql+psycopg",
        host,
        database,
        query,
    )


@pytest.mark.parametrize("url", ["mysql://me:secret@db/x", "dbname=x password=secret", ""])
def test_other_urls_are_rejected_without_showing_passwords(url: str) -> None:
    with pytest.raises(ValueError, match="must begin with postgresql://") as caught:
        migrate.sqlalchemy_url(url)
    assert "secret" not in str(caught.value)


def test_existing_companies_may_still_use_email_addresses_as_ids(two_companies: str) -> None:
    with owned_at(two_companies, "0012") as owners_url:
        assert migrate.upgrade(owners_url)
        with psycopg.connect(two_companies) as superuser:
            superuser.execute("insert into companies (id, name) values (3, 'new')")
            settings = superuser.execute("select id, settings ->> 'email_ids' from companies order by id")
            assert settings.fetchall() == [(1, "true"), (2, "true"), (3, None)]
            superuser.execute("delete from companies where id = 3")
