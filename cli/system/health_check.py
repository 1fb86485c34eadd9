"""``journey health-check``: the state, version and latency of each service."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, GetSystemInfoRequest
from temporalio.service import RPCError

import connection
from cli.options import AsJson, Data, command_app, run
from cli.output import print_json, print_rows
from contracts.names import TASK_QUEUE
from db.connections import owner_connection
from db.schema.revision import current, head
from local import data_folder
from settings import Settings

RECENT = 90.0  # seconds since a worker's last poll

app = command_app()


@app.command()
def health_check(
    gateway_url: Annotated[
        str | None,
        typer.Option("--gateway", help="Also check the gateway at this URL."),
    ] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Check each service, its version and latency.

    Exit code 1 if one is down.

    Example: [bold]journey health-check --gateway http://127.0.0.1:8000[/bold]
    """
    published = data_folder.environment(data)
    run(data, lambda settings: check(settings, gateway_url or published.get("PUBLIC_URL"), as_json))


async def check(settings: Settings, gateway_url: str | None, as_json: bool) -> int:
    """Print the state of every service; 1 if one is down."""
    probes: dict[str, Callable[[], Awaitable[str]]] = {
        "postgres": lambda: _postgres(settings),
        "schema": lambda: _schema(settings),
        "temporal": _temporal,
        "worker": _worker,
    }
    if gateway_url is not None:
        probes["gateway"] = lambda: _gateway(gateway_url)
    rows = [await _timed(name, probe) for name, probe in probes.items()]
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, "")
    return 0 if all(row["state"] == "up" for row in rows) else 1


async def _timed(name: str, probe: Callable[[], Awaitable[str]]) -> dict[str, Any]:
    begin = time.perf_counter()
    try:
        version, state = await asyncio.wait_for(probe(), 10), "up"
    except (psycopg.Error, RPCError, RuntimeError, OSError, TimeoutError) as error:
        version, state = str(error).strip().splitlines()[0] if str(error) else type(error).__name__, "down"
    return {"part": name, "state": state, "ms": round(1000 * (time.perf_counter() - begin), 1), "version": version}


async def _postgres(settings: Settings) -> str:
    async with owner_connection(settings.database_url) as owner:
        row = await (await owner.execute("show server_version")).fetchone()
    return str(row[0]) if row else "?"


async def _schema(settings: Settings) -> str:
    async with owner_connection(settings.owner_url) as owner:
        revision = await current(owner)
    if revision != head():
        raise RuntimeError(f"at {revision}, needs {head()}; run journey migrate")
    return str(revision)


async def _temporal() -> str:
    client = await connection.connect()
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return str(info.server_version)


async def _worker() -> str:
    client = await connection.connect()
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    response = await client.workflow_service.describe_task_queue(request)
    recent = [p for p in response.pollers if time.time() - p.last_access_time.ToDatetime().timestamp() < RECENT]
    if not recent:
        raise RuntimeError(f"no worker has polled {TASK_QUEUE} in the last {RECENT:.0f} s")
    return f"{len(recent)} polling"


async def _gateway(url: str) -> str:
    import httpx2  # not needed by most checks, which should start fast

    try:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            response = await client.get(f"{url.rstrip('/')}/readyz")
    except httpx2.HTTPError as error:
        raise RuntimeError(str(error) or type(error).__name__) from error
    if response.status_code != 200:
        raise RuntimeError(f"{url}/readyz returns {response.status_code}")
    return url
