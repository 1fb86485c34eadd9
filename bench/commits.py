"""What queueing a roll-up adds to the transaction of a commit: the same commits with and without it, in turn."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from temporalio.testing import ActivityEnvironment

from activities.commit import CommitActivity
from contracts.requests import CommitRequest
from db.connections import open_pool
from db.journeys import ledger
from db.people import companies
from journey.state import apply_state_diff
from journey.time import to_micros
from tests.support.commit_story import Histories

JOURNEYS = 50


async def measure(url: str, number: int) -> None:
    """Run `number` commits of one appointment each, timing only their write to Postgres."""
    await companies.ensure_first(url)
    pool = await open_pool(url, min_size=1, max_size=1)
    took: dict[bool, list[float]] = {True: [], False: []}
    write = ledger.write
    counts = True

    async def timed(*arguments: Any, **options: Any) -> Any:
        arguments[2]["affects_analytics"] = counts
        begin = time.perf_counter()
        answer = await write(*arguments, **options)
        took[counts].append(time.perf_counter() - begin)
        return answer

    ledger.write = timed
    environment, deciding = ActivityEnvironment(), CommitActivity(pool, Histories())
    states: list[dict[str, Any] | None] = [None] * JOURNEYS
    start = datetime.now(UTC) - timedelta(days=300)
    for n in range(number + JOURNEYS):
        turn, journey = divmod(n, JOURNEYS)
        counts = bool((turn + journey) % 2)
        at = start + timedelta(hours=turn)
        event = {"id": f"e-{n}", "type": "appointment.completed", "customer_id": f"c-{journey}"}
        event |= {"occurred_at": at.isoformat(), "amount": "1.00"}
        request: CommitRequest = {
            "company_id": 1,
            "customer_id": f"c-{journey}",
            "run_id": "run",
            "now": to_micros(at),
            "state": states[journey],
            "messages": [("events", [orjson.dumps([event]).decode()])],
        }
        answer = await environment.run(deciding.commit, request)
        states[journey] = apply_state_diff(states[journey], answer["changes"])
    await pool.close()
    ledger.write = write
    warm = {kept: times[JOURNEYS:] for kept, times in took.items()}
    with_queue, without = (statistics.median(warm[kept]) for kept in (True, False))
    print(f"a commit of one appointment: {1000 * with_queue:.3f} ms with the roll-up queue,", end=" ")
    print(f"{1000 * without:.3f} ms without: {with_queue / without:.3f} (medians of {len(warm[True])} each)")
