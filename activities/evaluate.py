"""Evaluate journeys in chunks: only those that would change, or are lost, are asked to evaluate themselves.

The core decides which would change.
"""

import asyncio
import time
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.evaluation_requests import COMMIT_TIMEOUT, request_or_log, rows_written, unchanged
from activities.lost_journeys import find_lost, lost_change, without_row
from activities.maintenance_attempts import maintenance_attempt
from contracts import names
from contracts.journey_workflows import JourneyWorkflows
from contracts.maintenance import EvaluateChunkRequest, EvaluateChunkResult
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from db.operations.maintenance import OrderedRow
from journey.drift import detect_drift
from journey.time import Micros

MAX_CHANGES = 50  # drifted journeys of one chunk that are described in the result
MAX_ATTEMPTS_TO_BEGIN = 6  # of a roll-out, whose version is committed right after its start
BATCH = 25  # journeys between two pauses
CPU_SHARE = 0.25  # of a core, at most, for the decisions and the look at the workflows
MAX_ELAPSED = 0.5  # seconds of one batch that count: the rest is waiting


class EvaluateActivities:
    """The activities ``count_journeys`` and ``evaluate_chunk``, and their dependencies."""

    def __init__(self, pool: Pool, workflows: JourneyWorkflows) -> None:
        self._pool, self._workflows = pool, workflows
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
            version = request.get("rules_version")
            if version is not None and rulebook.version != version:
                if rulebook.version < version:  # the change has not been committed yet
                    final = activity.info().attempt >= MAX_ATTEMPTS_TO_BEGIN
                    text = f"version {version} of the rules is not in force"
                    raise ApplicationError(text, type="NotInForce", non_retryable=final)
                return {**result, "newer": True}
            rows = await self._rows(request, result, after, remaining)
            versions: dict[int, int] = {}
            drifted: dict[int, dict[str, Any]] = {}
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                started, now = time.perf_counter(), Micros(time.time_ns() // 1000)
                changes = [detect_drift(row.state, rulebook, now, request["grace"] * 1_000_000) for row, _ in batch]
                lost = await find_lost(self._pool, self._workflows, company_id, [row.key for row, _ in batch])
                elapsed = time.perf_counter() - started
                for (row, deadline), drift in zip(batch, changes, strict=True):
                    loss = lost.get(row.relationship_id)
                    change = drift or (lost_change(row.current_stage, loss) if loss else None)
                    result["after"] = row.relationship_id
                    if deadline is not None:
                        result["deadline"] = deadline
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
                    await request_or_log(self._workflows, company_id, row.customer_id or "")
                    await asyncio.sleep(1 / request["rate"])
                progress.save(result)
                await asyncio.sleep(min(elapsed, MAX_ELAPSED) * (1 / CPU_SHARE - 1))
            for relationship_id in await unchanged(self._pool, company_id, versions, COMMIT_TIMEOUT):
                drifted[relationship_id]["done"] = False
                result["unanswered"] += 1
            if len(rows) < remaining and request.get("order", "id") in ("id", "none"):
                await self._evaluate_without_row(company_id, result, request["rate"])
        return result

    async def _rows(
        self, request: EvaluateChunkRequest, result: EvaluateChunkResult, after: int, limit: int
    ) -> list[OrderedRow]:
        """Return the next journeys, each with its deadline if that is their order."""
        order, company_id = request.get("order", "id"), request["company_id"]
        if order == "id":
            rows = await maintenance.journey_rows(self._pool, company_id, after=after, limit=limit)
            return [(row, None) for row in rows]
        return await maintenance.rollout_rows(
            self._pool,
            company_id,
            request["rules_version"],
            order,
            preview_id=request.get("preview_id"),
            deadline=result.get("deadline") or request.get("deadline"),
            after=after,
            limit=limit,
        )

    async def _evaluate_without_row(self, company_id: int, result: EvaluateChunkResult, rate: float) -> None:
        """After a company's last row: have the journeys evaluated whose row is missing."""
        async for customers in without_row(self._pool, self._workflows, company_id):
            for customer_id in customers:
                result["drifted"] += 1
                await request_or_log(self._workflows, company_id, customer_id)
                await asyncio.sleep(1 / rate)
            written = await rows_written(self._pool, company_id, customers, COMMIT_TIMEOUT)
            result["unanswered"] += len(customers) - len(written)
            described = [
                {
                    **lost_change("", "ahead"),
                    "company_id": company_id,
                    "customer_id": customer,
                    "done": customer in written,
                }
                for customer in customers
            ]
            result["changes"] += described[: MAX_CHANGES - len(result["changes"])]
