"""Every journey looked at by the pure core, in chunks; those that an evaluation would change are asked to evaluate."""

import asyncio
import time
from typing import Any

from temporalio import activity
from temporalio.service import RPCError

from activities.attempts import trying
from activities.reconcile import Nudge, unmoved
from contracts.maintenance import EvaluateChunkRequest, EvaluateChunkResult
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from db.operations.maintenance import JourneyRow
from journey.drift import would_change
from journey.time import Micros

SHOWN = 50  # changes of one chunk that are told in full
BATCH = 25  # journeys between two pauses
SHARE = 0.25  # of a core that looking may take
PATIENCE = 30.0  # seconds for the journeys asked last to move


class Evaluations:
    """The activities with their dependencies: the pool of the application's role, rulebooks, the way to a journey."""

    def __init__(self, pool: Pool, request_evaluation: Nudge) -> None:
        self._pool, self._nudge = pool, request_evaluation
        self._rulebooks = RulebookCache()

    @activity.defn(name="count_journeys")
    async def count_journeys(self, company_id: int) -> int:
        """How many journeys a company has."""
        async with trying():
            return await maintenance.count_journeys(self._pool, company_id)

    @activity.defn(name="evaluate_chunk")
    async def evaluate_chunk(self, request: EvaluateChunkRequest) -> EvaluateChunkResult:
        """Evaluate one chunk. A try after another one goes on where that one was, and keeps what it found."""
        async with trying() as progress:
            company_id = request["company_id"]
            result: EvaluateChunkResult = {"after": None, "looked": 0, "drifted": 0, "unanswered": 0, "changes": []}
            if progress.done is not None:
                result = progress.done
            after = request["after"] if result["after"] is None else result["after"]
            left = request["size"] - result["looked"]
            rulebook = await self._rulebooks.latest(self._pool, company_id)
            standings = await maintenance.journey_rows(self._pool, company_id, after=after, limit=left)
            asked: dict[int, tuple[JourneyRow, dict[str, Any]]] = {}
            for start in range(0, len(standings), BATCH):
                batch = standings[start : start + BATCH]
                begun, now = time.perf_counter(), Micros(time.time_ns() // 1000)
                changes = [would_change(s.state, rulebook, now, request["grace"] * 1_000_000) for s in batch]
                took = time.perf_counter() - begun
                for standing, change in zip(batch, changes, strict=True):
                    result["after"] = standing.relationship_id
                    result["looked"] += 1
                    if change is None:
                        continue
                    told = {**change, "company_id": company_id, "customer_id": standing.customer_id, "done": True}
                    asked[standing.relationship_id] = (standing, told)
                    result["drifted"] += 1
                    result["changes"] += [told] if len(result["changes"]) < SHOWN else []
                    progress.reached(result)  # before it is asked: who has evaluated is no drift to the next try
                    await self._ask(company_id, standing)
                    await asyncio.sleep(1 / request["rate"])
                progress.reached(result)
                await asyncio.sleep(took * (1 / SHARE - 1))
            await self._settle(company_id, asked, result)
        return result

    async def _ask(self, company_id: int, standing: JourneyRow) -> None:
        try:
            await self._nudge(company_id, standing.customer_id or "")
        except RPCError as error:
            activity.logger.warning(f"company {company_id}: a journey takes no message: {error.message}")

    async def _settle(
        self, company_id: int, asked: dict[int, tuple[JourneyRow, dict[str, Any]]], result: EvaluateChunkResult
    ) -> None:
        """Wait until those that were asked have moved; who has not is said not to be done."""
        versions = {key: standing.version for key, (standing, _) in asked.items()}
        for key in await unmoved(self._pool, company_id, versions, PATIENCE):
            asked[key][1]["done"] = False
            result["unanswered"] += 1
