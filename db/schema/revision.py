"""The newest revision of the schema in this release, and that of a database; without Alembic, which loads slowly."""

from pathlib import Path

from db.connections import Connection

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def head() -> str:
    """Return the latest revision of this release: the number that the newest migration's file name begins with."""
    return max(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*_*.py"))


async def current(connection: Connection) -> str | None:
    """Return the current revision of the database; None if it has no schema yet."""
    table = await (await connection.execute("select to_regclass('alembic_version')")).fetchone()
    if table is None or table[0] is None:
        return None
    row = await (await connection.execute("select version_num from alembic_version")).fetchone()
    return None if row is None else str(row[0])
