"""Evaluate journeys in chunks: the core decides which would change, and only those are asked to evaluate themselves."""

import asyncio
import time
from typing import Any

from temporalio import activity

from activities.evaluation_requests import COMMIT_TIMEOUT, RequestEvaluation, request_or_log, unchanged
from activities.maintenance_attempts import maintenance_attempt
from contracts import names
from contracts.maintenance import EvaluateChunkRequest, EvaluateChunkResult
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from journey.drift import detect_drift
from journey.time import Micros

MAX_CHANGES = 50  # drifted journeys of one chunk that are described in the result
BATCH = 25  # journeys between two pauses
CPU_SHARE = 0.25  # of a core, at most, for the decisions


class EvaluateActivities:
    """The activities ``count_journeys`` and ``evaluate_chunk``, and their dependencies."""

    def __init__(self, pool: Pool, request_evaluation: RequestEvaluation) -> None:
        self._pool, self._request_evaluation = pool, request_evaluation
        self._rulebooks = RulebookCache()

    @activity.defn(name=names.COUNT_JOURNEYS)
    async def count_journeys(self, company_id: int) -> int:
        """Return a company's number of journeys."""
        async with maintenance_attempt():
            return await maintenance.count_journeys(self._pool, company_id)

    @activity.defn(name=names.EVALUATE_CHUNK)
    async def evaluate_chunk(self, request: EvaluateChunkRequest) -> EvaluateChunkResult:
        """Evaluate one chunk. An attempt after a worker's death continues where the previous one was."""
        async with maintenance_attempt() as progress:
            company_id = request["company_id"]
            result: EvaluateChunkResult = {"after": None, "looked": 0, "drifted": 0, "unanswered": 0, "changes": []}
            if progress.done is not None:
                result = progress.done
            after = request["after"] if result["after"] is None else result["after"]
            remaining = request["size"] - result["looked"]
            rulebook = await self._rulebooks.latest(self._pool, company_id)
            rows = await maintenance.journey_rows(self._pool, company_id, after=after, limit=remaining)
            versions: dict[int, int] = {}
            drifted: dict[int, dict[str, Any]] = {}
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                started, now = time.perf_counter(), Micros(time.time_ns() // 1000)
                changes = [detect_drift(row.state, rulebook, now, request["grace"] * 1_000_000) for row in batch]
                elapsed = time.perf_counter() - started
                for row, change in zip(batch, changes, strict=True):
                    result["after"] = row.relationship_id
                    result["looked"] += 1
                    if change is None:
                        continue
                    described = {**change, "company_id": company_id, "customer_id": row.customer_id, "done": True}
                    versions[row.relationship_id] = row.version
                    drifted[row.relationship_id] = described
                    result["drifted"] += 1
                    result["changes"] += [described] if len(result["changes"]) < MAX_CHANGES else []
                    # before the request: once evaluated, the journey no longer counts as drifted in the next attempt
                    progress.save(result)
                    await request_or_log(self._request_evaluation, company_id, row.customer_id or "")
                    await asyncio.sleep(1 / request["rate"])
                progress.save(result)
                await asyncio.sleep(elapsed * (1 / CPU_SHARE - 1))
            for relationship_id in await unchanged(self._pool, company_id, versions, COMMIT_TIMEOUT):
                drifted[relationship_id]["done"] = False
                result["unanswered"] += 1
        return result
