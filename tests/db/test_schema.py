"""Models and migrations describe the same schema, with row-level security on every tenant table."""

from typing import Any

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from db.schema.migrate import sqlalchemy_url
from db.schema.models import Base
from tests.conftest import NewDatabase

# What autogenerate does not compare: checks, conditions and directions of indexes, storage, exact types.
CATALOG = """
select 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' '
       || a.attidentity::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, attnum)
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
union all
select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'table', relname, '', coalesce(reloptions::text, '')
  from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
union all
select 'enum', t.typname, e.enumlabel, e.enumsortorder::text from pg_enum e join pg_type t on t.oid = e.enumtypid
"""

FORCED = """
select relname, relrowsecurity and relforcerowsecurity and exists (select from pg_policy where polrelid = c.oid)
  from pg_class c
 where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and (relname = 'companies'
       or exists (select from pg_attribute where attrelid = c.oid and attname = 'company_id'))
"""


def test_models_need_no_further_migration(database_url: str) -> None:
    with create_engine(sqlalchemy_url(database_url)).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    assert not differences, "models and migrations differ; write a migration: alembic revision --autogenerate"


def test_models_and_migrations_build_the_same_catalog(database_url: str, new_database: NewDatabase) -> None:
    modelled = new_database()
    with create_engine(sqlalchemy_url(modelled)).begin() as connection:
        Base.metadata.create_all(connection)
    built, described = catalog(database_url), catalog(modelled)
    built = {row for row in built if row[1] != "alembic_version"}
    assert (built - described, described - built) == (set(), set())


def catalog(url: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(CATALOG).fetchall())


def test_row_level_security_is_forced_on_every_tenant_table(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(FORCED).fetchall()
    assert dict(rows) == dict.fromkeys(Base.metadata.tables, True)


def test_the_application_owns_nothing_and_bypasses_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        powers_of = "select oid, rolsuper, rolbypassrls, rolcreaterole, rolcanlogin from pg_roles where rolname = %s"
        row = connection.execute(powers_of, ["perdure_app"]).fetchone()
        assert row is not None
        oid, *powers = row
        assert not any(powers)
        for catalog_table, column in [("class", "rel"), ("proc", "pro"), ("type", "typ"), ("namespace", "nsp")]:
            owned = connection.execute(f"select from pg_{catalog_table} where {column}owner = %s", [oid])
            assert owned.fetchall() == []


def test_the_view_has_the_rights_of_its_reader(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        views = connection.execute(
            "select relname, reloptions from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert views == [("journey_analytics_summary", ["security_invoker=true"])]
