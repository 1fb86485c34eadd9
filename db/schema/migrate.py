"""Bring a database's schema to the newest revision. Run as the owner: the login of DATABASE_URL."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from urllib.parse import parse_qsl, urlencode

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool, text

# Any number will do, as long as every release takes the same one: pg_advisory_xact_lock of this database.
_LOCK = 7_065_726_475_726_501

# Alembic keeps the migration under way in a module's globals: one at a time in a process.
_one_at_a_time = Lock()


def sqlalchemy_url(database_url: str) -> str:
    """`postgresql://…` as libpq reads it → `postgresql+psycopg://…` as SQLAlchemy does.

    libpq's `?host=/socket/dir` stays a query parameter, which SQLAlchemy passes on. Raises ValueError for anything that
    is not a postgres URL, without repeating it: it may hold a password.
    """
    scheme, found, rest = database_url.partition("://")
    if not found or scheme not in ("postgresql", "postgres"):
        raise ValueError("the database URL must begin with postgresql://")
    address, question, query = rest.partition("?")
    # Quoted anew, because SQLAlchemy refuses some of what libpq accepts, like a bare `=` in `options`.
    return f"postgresql+psycopg://{address}{question}{urlencode(parse_qsl(query, keep_blank_values=True))}"


def upgrade(database_url: str) -> list[str]:
    """Apply what is missing; the revisions applied, oldest first (none: it was up to date).

    One transaction: all or nothing. Safe when several processes start at once: the later ones wait, then find nothing
    to do. Raises sqlalchemy.exc.OperationalError when the database does not answer, ProgrammingError when the login may
    not do what a migration needs.
    """
    scripts = ScriptDirectory.from_config(configuration())
    with _one_at_a_time, _connect(database_url) as connection, connection.begin():
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = _current(connection)
        command.upgrade(configuration(connection), "head")
        after = _current(connection)
    if before == after:
        return []
    return [script.revision for script in scripts.iterate_revisions(after, before)][::-1]


def current(database_url: str) -> str | None:
    """The revision the database stands at; None when it has no schema yet."""
    with _connect(database_url) as connection:
        return _current(connection)


def head() -> str:
    """The newest revision that this release knows."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    assert revision is not None, "no migrations beside db/schema/migrate.py"
    return revision


def _connect(database_url: str) -> Connection:
    return create_engine(sqlalchemy_url(database_url), poolclass=pool.NullPool).connect()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration without a file; on `connection` and in its transaction where one is given."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
