"""Deadlines that passed without an evaluation: found in SQL, repaired by a request_evaluation, counted as faults."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

from temporalio import activity
from temporalio.common import MetricMeter
from temporalio.service import RPCError

from activities.attempts import trying
from contracts.maintenance import ReconcileRequest, ReconcileResult, RecordFaultsRequest
from db.connections import Pool, tenant_transaction
from db.operations import maintenance
from db.operations.maintenance import OverdueJourney
from db.people import audit_log

CHUNK = 200  # journeys under way at once
PATIENCE = 30.0  # seconds for a chunk of journeys to move

Presence = Literal["running", "committing", "gone"]
#: (company, customer's own id) → whether its workflow runs, waits for Postgres with a commit, or is gone
LookUp = Callable[[int, str], Awaitable[Presence]]
#: (company, customer's own id): have the journey evaluate itself, started where it is gone
Nudge = Callable[[int, str], Awaitable[None]]


class Reconciler:
    """The activities with their dependencies: the pool of the application's role, the ways to a journey, a meter."""

    def __init__(self, pool: Pool, look_up: LookUp, request_evaluation: Nudge, meter: MetricMeter) -> None:
        self._pool, self._look_up, self._nudge = pool, look_up, request_evaluation
        self._faults = meter.create_counter(
            "perdure_reconciled_total", "deadlines that passed without an evaluation, found by the reconciliation"
        )
        self._faults.add(0)  # a rate needs a beginning

    @activity.defn(name="reconcile")
    async def reconcile(self, request: ReconcileRequest) -> ReconcileResult:
        """Look whether a company has overdue journeys; or have each evaluated, and see which have moved.

        What a try before this one repaired is known by its heartbeat, and counted once.
        """
        async with trying() as progress:
            company_id, before = request["company_id"], datetime.fromisoformat(request["before"])
            if not request["repair"]:
                return {"overdue": len(await maintenance.overdue_journeys(self._pool, company_id, before, limit=CHUNK))}
            found: ReconcileResult = {"overdue": 0, "committing": 0, "missed": 0, "gone": 0, "repaired": 0}
            after: tuple[str, int] = ("-infinity", 0)
            if progress.done is not None:
                after, found = progress.done
            while late := await maintenance.overdue_journeys(self._pool, company_id, before, after=after, limit=CHUNK):
                await self._repair(company_id, late, found)
                after = (late[-1].deadline, late[-1].relationship_id)
                progress.reached([after, found])
        return found

    @activity.defn(name="record_faults")
    async def record_faults(self, request: RecordFaultsRequest) -> None:
        """Write what was found in a company into its audit log, once for each round; log and count it."""
        async with trying():
            company_id, found = request["company_id"], request["found"]
            async with tenant_transaction(self._pool, company_id) as connection:
                if await audit_log.is_recorded(connection, company_id, "reconcile", request["round"]):
                    return
                await audit_log.record(connection, company_id, "reconciliation", "reconcile", request["round"], found)
        told = ", ".join(f"{name} {number}" for name, number in found.items())
        activity.logger.warning(f"company {company_id}: deadlines had passed without an evaluation: {told}")
        self._faults.add(found["missed"] + found["gone"])

    async def _repair(self, company_id: int, late: list[OverdueJourney], found: ReconcileResult) -> None:
        """Nudge those that are faults, and wait until they have moved."""
        nudged: list[OverdueJourney] = []
        for journey in late:
            workflow_status = await self._look_up(company_id, journey.customer_id)
            found["overdue"] += 1
            if workflow_status == "committing":
                found["committing"] += 1
                continue
            found["gone" if workflow_status == "gone" else "missed"] += 1
            try:
                await self._nudge(company_id, journey.customer_id)
            except RPCError as error:
                activity.logger.warning(f"company {company_id}: a journey takes no message: {error.message}")
                continue
            nudged.append(journey)
        left = await unmoved(self._pool, company_id, {j.relationship_id: j.version for j in nudged}, PATIENCE)
        found["repaired"] += len(nudged) - len(left)


async def unmoved(pool: Pool, company_id: int, versions: dict[int, int], patience: float) -> set[int]:
    """Of these relationships those that still stand at these versions after ``patience`` seconds; empty when all have
    moved, which is as soon as it is seen."""
    left, gave_up = versions, time.monotonic() + patience
    while left:
        now = await maintenance.journey_versions(pool, company_id, list(left))
        left = {key: version for key, version in left.items() if now.get(key) == version}
        if not left or time.monotonic() > gave_up:
            break
        await asyncio.sleep(0.2)
    return set(left)
