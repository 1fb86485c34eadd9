"""EvaluateAll finds and repairs drift, in chunks, across runs and a killed worker."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from temporalio.client import Client

from contracts import names
from contracts.maintenance import EvaluateAllStart
from db.connections import Pool
from settings import Settings
from tests.support.workflow_life import Life, new_company
from tests.support.workflow_sweeps import Before
from worker import build_worker

MANY = 7


async def lives(life: Life) -> list[Life]:
    """Customers of one company, each with a visit ten days ago."""
    others = [Life(life.client, life.database_url, life.company, f"c-{n}") for n in range(MANY)]
    for other in others:
        await other.send(other.visit(-10, id=other.customer))
    await life.until(lambda: len(life.applied()) == MANY)
    return others


def drift(life: Life) -> None:
    """Change the rules without the journeys being evaluated."""
    with psycopg.connect(life.database_url) as connection:
        connection.execute(
            "update companies set rules_version = rules_version + 1, rules_changed_at = now(),"
            """ settings = '{"scoring": {"recency_days": [5, 60, 90, 180]}}' where id = %s""",
            [life.company],
        )


def moved(life: Life) -> int:
    rows = life.rows("select version from customer_relationships where company_id = %(company)s")
    return sum(row["version"] > 1 for row in rows)


async def evaluate(client: Client, start: EvaluateAllStart) -> dict[str, Any]:
    found: dict[str, Any] = await client.execute_workflow(
        names.EVALUATE_ALL, start, id=names.evaluation_id(start.company), task_queue=names.TASK_QUEUE
    )
    return found


@pytest.mark.usefixtures("worker")
async def test_drift_is_found_repaired_and_reported(life: Life) -> None:
    others = await lives(life)
    start = EvaluateAllStart(company=life.company, chunk=2, rate=1000, chunks=2)  # several runs
    right = await evaluate(life.client, start)
    nothing = {"companies": 1, "evaluated": MANY, "drifted": 0, "unanswered": 0, "changes": [], "failed": {}}
    assert right == nothing
    drift(life)
    found = await evaluate(life.client, start)
    assert (found["drifted"], found["unanswered"], moved(life)) == (MANY, 0, MANY)
    assert sorted(change["customer_id"] for change in found["changes"]) == [f"c-{n}" for n in range(MANY)]
    assert {(change["because"], change["done"]) for change in found["changes"]} == {("scores or rules", True)}
    assert await evaluate(life.client, start) == nothing
    for other in others:
        await other.end("test")


@pytest.mark.usefixtures("worker")
async def test_progress_query(life: Life) -> None:
    others = await lives(life)
    drift(life)
    handle = await life.client.start_workflow(
        names.EVALUATE_ALL,
        EvaluateAllStart(company=life.company, chunk=1, rate=2),
        id=names.evaluation_id(life.company),
        task_queue=names.TASK_QUEUE,
    )
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["drifted"] < MANY:
        seen.append(await handle.query(names.PROGRESS_QUERY))
    assert {answer["total"] for answer in seen} <= {0, MANY}
    looked = [answer["looked"] for answer in seen]
    assert looked == sorted(looked)
    assert set(looked) > {1, 3, 5}
    assert (await handle.result())["drifted"] == MANY
    for other in others:
        await other.end("test")


async def test_all_companies_and_one_that_does_not_exist(client: Client, pool: Pool, life: Life) -> None:
    new_company(life.database_url)
    async with build_worker(client, pool, Settings()):
        await life.lived(life.visit(-1))
        everybody = await evaluate(client, EvaluateAllStart())
        assert everybody["companies"] > 1
        assert everybody["evaluated"] >= 1
        unknown = await evaluate(client, EvaluateAllStart(company=5))
    assert (unknown["evaluated"], unknown["failed"]) == (0, {"5": "there is no company 5"})


async def test_worker_killed_in_the_middle_of_a_chunk(
    life: Life, temporal_address: str, client: Client, pool: Pool
) -> None:
    """The next attempt continues from the last heartbeat and still reports what the first one found."""
    async with build_worker(client, pool, Settings()):
        others = await lives(life)
    drift(life)
    begun = asyncio.create_task(evaluate(client, EvaluateAllStart(company=life.company, chunk=100, rate=0.5)))
    environment = {**os.environ, "DATABASE_URL": life.database_url, "TEMPORAL_ADDRESS": temporal_address}
    process = subprocess.Popen([sys.executable, "-m", "worker"], cwd=Path.cwd(), env=environment)
    tries: list[Any] = []
    seeing = Before(lambda kind, _, done: tries.append(done) if kind == names.EVALUATE_CHUNK else None)
    try:
        await life.until(lambda: moved(life) == 3, 60)
        await asyncio.sleep(1.2)  # a heartbeat is sent every second
        process.send_signal(signal.SIGKILL)
        async with build_worker(await Client.connect(temporal_address, interceptors=[seeing]), pool, Settings()):
            result = await asyncio.wait_for(begun, 90)
    finally:
        process.kill()
    [done] = tries
    assert done["looked"] >= 3
    assert done["drifted"] >= 3
    assert (result["evaluated"], result["drifted"], result["unanswered"], moved(life)) == (MANY, MANY, 0, MANY)
    for other in others:
        await other.end("test")
    for schedule_id in ("stage-metrics", "reconciliation", "return-models"):
        await client.get_schedule_handle(schedule_id).delete()
