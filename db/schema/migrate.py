"""Upgrade the database schema to the latest revision. Runs as the owner, the login of DATABASE_URL."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from urllib.parse import parse_qsl, urlencode

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool, text

# The key of the advisory lock; arbitrary, but the same in every release.
_LOCK = 7_065_726_475_726_501

# Alembic keeps the current migration in module globals, so a process can run only one at a time.
_one_at_a_time = Lock()


def sqlalchemy_url(database_url: str) -> str:
    """Convert a libpq URL (`postgresql://…`) to a SQLAlchemy URL (`postgresql+psycopg://…`).

    libpq's `?host=/socket/dir` stays a query parameter, which SQLAlchemy passes on.

    Raises:
        ValueError: The URL is not a Postgres URL. The message does not contain it, because it may have a password.
    """
    scheme, found, rest = database_url.partition("://")
    if not found or scheme not in ("postgresql", "postgres"):
        raise ValueError("the database URL must begin with postgresql://")
    address, question, query = rest.partition("?")
    # Quoted again, because SQLAlchemy rejects some URLs that libpq accepts, like a bare `=` in `options`.
    return f"postgresql+psycopg://{address}{question}{urlencode(parse_qsl(query, keep_blank_values=True))}"


def upgrade(database_url: str) -> list[str]:
    """Apply the missing revisions in one transaction.

    Safe to run concurrently: later processes wait and then have nothing to do.

    Returns:
        The applied revisions, oldest first; empty if the schema was up to date.

    Raises:
        sqlalchemy.exc.OperationalError: The database does not answer.
        sqlalchemy.exc.ProgrammingError: The login lacks a privilege that a migration needs.
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
    """Return the current revision of the database; None if it has no schema yet."""
    with _connect(database_url) as connection:
        return _current(connection)


def _connect(database_url: str) -> Connection:
    return create_engine(sqlalchemy_url(database_url), poolclass=pool.NullPool).connect()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def configuration(connection: Connection | None = None) -> Config:
    """Build Alembic's configuration without a file.

    Args:
        connection: Migrations run on this connection, in its current transaction.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
