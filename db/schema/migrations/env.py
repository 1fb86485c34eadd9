"""Alembic entry point: uses the connection of `db/schema/migrate.py`, or DATABASE_URL when run by `alembic`."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, pool

from db.schema.migrate import sqlalchemy_url
from db.schema.models import Base


def _configure(**where: Any) -> None:
    context.configure(target_metadata=Base.metadata, compare_type=True, compare_server_default=True, **where)


def _database_url() -> str:
    from settings import read_settings  # imported lazily: `journey migrate` passes its own connection

    return sqlalchemy_url(read_settings().owner_url)


def _online() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:  # in the caller's transaction, which holds the migration lock
        _configure(connection=connection)
        context.run_migrations()
        return
    with create_engine(_database_url(), poolclass=pool.NullPool).connect() as own:
        _configure(connection=own)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    _configure(url=_database_url(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    _online()
