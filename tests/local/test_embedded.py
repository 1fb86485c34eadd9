"""Embedded Postgres and Temporal: they keep acknowledged writes through a SIGKILL and die with their parent."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import psycopg
import pytest
from temporalio.client import Client

from local.embedded import Postgres, Temporal, free_port, running
from local.managed_process import ManagedProcess, StartFailed


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder with a short path, because socket paths are limited."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        yield Path(folder)


async def test_shared_servers_answer(postgres_url: str, temporal_address: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        cursor = await connection.execute("SELECT current_database(), current_setting('listen_addresses')")
        assert await cursor.fetchone() == ("perdure", "")
    client = await Client.connect(temporal_address)
    query = "CompanyId = 1 AND Stage = 'nowhere' AND NextDeadline > '2026-01-01T00:00:00Z'"
    assert (await client.count_workflows(query)).count == 0


async def test_postgres_keeps_its_rows_through_sigkill(data: Path) -> None:
    async with running(Postgres(data)) as postgres:
        async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
            for _ in range(3):  # the open connection's backend holds the old server's shared memory for a while
                postgres.kill()
                assert await postgres.exited() == -signal.SIGKILL
                await postgres.start()
        async with await psycopg.AsyncConnection.connect(postgres.url) as connection:
            assert await (await connection.execute("SELECT n FROM kept")).fetchone() == (7,)


async def test_temporal_keeps_its_port_and_workflows_through_sigkill(data: Path) -> None:
    async with running(Temporal(data, port=free_port())) as temporal:
        client = await Client.connect(temporal.address)
        await client.start_workflow("Nobody", id="kept", task_queue="none")
        temporal.kill()
        await temporal.start()
        client = await Client.connect(temporal.address)
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "Nobody"
    async with running(Temporal(data, port=free_port())):  # with search attributes already registered
        pass


async def test_a_long_data_path_puts_the_socket_in_tmp(data: Path) -> None:
    async with running(Postgres(data / ("deep" * 30))) as postgres:
        assert len(str(postgres.socket)) < 100
        assert postgres.socket.stat().st_mode & 0o077 == 0
    postgres.socket.rmdir()


async def test_nothing_outlives_a_killed_parent(data: Path) -> None:
    script = (
        "import anyio, sys; from pathlib import Path; from local.embedded import *\n"
        "async def main():\n"
        "    services = Postgres(Path(sys.argv[1])), Temporal(Path(sys.argv[1]), port=free_port())\n"
        "    for service in services: await service.start()\n"
        "    print(*(service.process.pid for service in services), flush=True)\n"
        "    await anyio.sleep_forever()\n"
        "anyio.run(main)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(data)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as stdout:
        pids = [int(word) for word in stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    with anyio.fail_after(10):
        for pid in pids:
            while _alive(pid):
                await anyio.sleep(0.02)
    async with running(Postgres(data)):  # the cluster is free immediately
        pass


async def test_a_recycled_process_id_does_not_block_the_cluster(data: Path) -> None:
    async with running(Postgres(data)) as postgres:
        lock = (postgres.cluster / "postmaster.pid").read_text().split("\n", 1)[1]
        postgres.kill()
    (postgres.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{lock}")
    async with running(postgres):
        pass


async def test_a_failed_start_reports_the_output(data: Path) -> None:
    with pytest.raises(StartFailed, match=r"(?s)postgres exited with code 1 .*no_such_setting"):
        await Postgres(data, settings={"no_such_setting": "1"}).start()


async def test_output_goes_line_by_line_to_the_sink() -> None:
    lines: list[tuple[str, str]] = []
    child = ManagedProcess(
        "echo", ["sh", "-c", "echo one; echo two >&2"], sink=lambda name, line: lines.append((name, line))
    )
    child.spawn()
    assert await child.exited() == 0
    with anyio.fail_after(5):
        while len(lines) < 2:
            await anyio.sleep(0.01)
    assert lines == [("echo", "one"), ("echo", "two")]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
