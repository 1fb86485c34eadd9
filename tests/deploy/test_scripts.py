"""The set-up scripts of deploy/, run against a real Postgres and a real Temporal."""

import os
import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from uuid import uuid4

import anyio
import psycopg
import pytest
import yaml
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from db.schema.migrate import current, upgrade
from db.schema.revision import head
from local.embedded import Postgres, running

SEARCH_ATTRIBUTES = {"CompanyId": "Int", "Stage": "Keyword", "NextDeadline": "Datetime"}
DEPLOY = Path(__file__).parents[2] / "deploy"
STAND_IN = """#!/bin/sh
[ "$SQL_PASSWORD" = secret ] && echo "$@" >>"$CALLS"
"""


def environment(folder: Path | str, **more: str) -> dict[str, str]:
    """Ours, with the programs in `folder` before all others."""
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **more}


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_script_is_sound_and_executable(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
    assert os.access(script, os.X_OK)


async def test_namespace_has_the_search_attributes_and_a_second_run_changes_nothing(temporal_address: str) -> None:
    namespace = f"deploy-{uuid4().hex}"
    env = environment(sysconfig.get_path("scripts"), TEMPORAL_ADDRESS=temporal_address, TEMPORAL_NAMESPACE=namespace)
    script = ["sh", str(DEPLOY / "temporal" / "namespace.sh")]
    first = await anyio.run_process(script, env=env, stderr=subprocess.STDOUT)
    again = await anyio.run_process(script, env=env, stderr=subprocess.STDOUT)
    assert first.stdout.count(b"have been added") == len(SEARCH_ATTRIBUTES)
    assert again.stdout.decode() == f"namespace {namespace} is ready\n"

    client = await Client.connect(temporal_address)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    kinds = {name: IndexedValueType.Name(known.custom_attributes[name]) for name in SEARCH_ATTRIBUTES}
    assert kinds == {name: f"INDEXED_VALUE_TYPE_{kind.upper()}" for name, kind in SEARCH_ATTRIBUTES.items()}


async def test_roles_are_no_superusers_and_suffice_for_the_migrations() -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder), settings={"fsync": "off"})) as postgres:
            admin = f"postgresql://postgres@/postgres?host={postgres.socket}"
            async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
                await connection.execute("DROP DATABASE perdure")  # the image's own Postgres starts without it, too
            passwords = {"PERDURE_DB_PASSWORD": 'it\'s "50%" $safe\\', "TEMPORAL_DB_PASSWORD": "b"}
            programs = Path(postgres.argv[0]).parent
            env = environment(programs, PGHOST=str(postgres.socket), **passwords)
            await anyio.run_process(["sh", str(DEPLOY / "postgres" / "roles.sh")], env=env, stderr=subprocess.STDOUT)

            url = f"postgresql://perdure@/perdure?host={postgres.socket}"
            await anyio.to_thread.run_sync(upgrade, url)
            assert await anyio.to_thread.run_sync(current, url) == head()
            async with await psycopg.AsyncConnection.connect(url) as connection:
                await connection.execute("SET ROLE perdure_app")
                rows = await connection.execute("SELECT rolname FROM pg_roles WHERE rolsuper OR rolbypassrls")
                assert await rows.fetchall() == [("postgres",)]
                query = "SELECT datname FROM pg_database WHERE has_database_privilege(%s, datname, 'CONNECT')"
                for user, own in [("perdure", {"perdure"}), ("temporal", {"temporal", "temporal_visibility"})]:
                    databases = {name for (name,) in await (await connection.execute(query, (user,))).fetchall()}
                    assert databases - {"postgres", "template0", "template1"} == own


def test_schema_brings_both_databases_up_to_date(tmp_path: Path) -> None:
    """Temporal's own tool is not at hand outside its image: a stand-in writes down how it is called."""
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text(STAND_IN)
    tool.chmod(0o755)
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())
    given = compose["services"]["temporal-schema"]["environment"]
    given |= {"SQL_PASSWORD": "secret", "CALLS": str(tmp_path / "calls")}
    subprocess.run(["sh", DEPLOY / "temporal" / "schema.sh"], check=True, env=environment(tmp_path, **given))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [re.sub(r".* --db ", "", call) for call in calls] == [
        "temporal setup-schema -v 0.0",
        "temporal update-schema -d /etc/temporal/schema/postgresql/v12/temporal/versioned",
        "temporal_visibility setup-schema -v 0.0",
        "temporal_visibility update-schema -d /etc/temporal/schema/postgresql/v12/visibility/versioned",
    ]
    assert all(call.startswith("--plugin postgres12 --ep postgres -p 5432 -u temporal ") for call in calls)
