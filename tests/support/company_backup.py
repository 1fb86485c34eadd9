"""A backup of everything that Postgres has of one company's journeys, and its restoration."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

TABLES = (
    "customers",
    "customer_relationships",
    "journey_events",
    "journey_transitions",
    "journey_actions",
    "action_attempts",
    "sent_messages",
    "tasks",
    "assignments",
    "retention_campaigns",
    "journey_unrolled",
    "journey_rollups",
)


@dataclass
class CompanyBackup:
    """The rows of a company's journeys at one moment."""

    url: str
    company: int
    rows: dict[str, Any] = field(default_factory=dict)

    def take(self) -> None:
        with psycopg.connect(self.url) as connection:
            for table in TABLES:
                statement = sql.SQL("select coalesce(jsonb_agg(to_jsonb(t)), '[]') from {} t where company_id = %s")
                found = connection.execute(statement.format(sql.Identifier(table)), [self.company]).fetchone()
                assert found is not None
                self.rows[table] = found[0]

    def restore(self) -> None:
        """Replace all rows of the company by those of the backup."""
        with psycopg.connect(self.url) as connection:
            connection.execute("set session_replication_role = replica")
            for table in TABLES:
                name = sql.Identifier(table)
                connection.execute(sql.SQL("delete from {} where company_id = %s").format(name), [self.company])
                insert = "insert into {0} overriding system value select * from jsonb_populate_recordset(null::{0}, %s)"
                connection.execute(sql.SQL(insert).format(name), [Jsonb(self.rows[table])])
