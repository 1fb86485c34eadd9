"""The activities of a preview of changed rules: plan it, compute its chunks, record and delete its result."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg.errors import ForeignKeyViolation
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.maintenance_attempts import maintenance_attempt
from activities.preview_chunks import ChunkWork, preview_chunk
from activities.separate_process import SeparateProcess
from contracts import names
from contracts.preview_requests import (
    FinishPreviewRequest,
    PlanPreviewRequest,
    PreviewChunkRequest,
    PreviewPlan,
    PreviewRequest,
)
from db.connections import Pool, tenant_transaction
from db.journeys import company_medians, preview_chunks, rule_previews
from db.journeys.preview_rulebooks import rulebooks_of
from db.journeys.rule_previews import RulePreview
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from journey.preview_totals import shown, summed

RECORD_WAIT = 5.0  # seconds: a preview is on record right after its workflow has started
POLL_INTERVAL = 0.05  # seconds


class PreviewActivities:
    """The activities of `PreviewRules`, and their dependency, the application's pool.

    A worker computes one chunk at a time, in a process of its own with a low priority.
    """

    def __init__(self, pool: Pool, process: SeparateProcess | None = None) -> None:
        self._pool = pool
        self._rulebooks = RulebookCache()
        self._process = process or SeparateProcess()

    @activity.defn(name=names.PLAN_PREVIEW)
    async def plan_preview(self, request: PlanPreviewRequest) -> PreviewPlan:
        """Divide the journeys into chunks, and record how many there are.

        Raises:
            ApplicationError: ``NoSuchPreview``, if it is not on record; final.
        """
        company_id, preview_id = request["company_id"], request["preview_id"]
        async with maintenance_attempt():
            preview = await self._recorded(company_id, preview_id)
            total = await maintenance.count_journeys(self._pool, company_id)
            bounds = await preview_chunks.bounds(self._pool, company_id, request["size"], total)
            async with tenant_transaction(self._pool, company_id) as connection:
                books = await rulebooks_of(connection, self._rulebooks, company_id, preview)
            medians = None
            if not books.old.medians.version and (books.old.rhythm_conditions or books.new.rhythm_conditions):
                found = await company_medians.current_medians(self._pool, company_id)
                medians = {"overall": found.overall, "services": dict(found.services)}
            async with tenant_transaction(self._pool, company_id) as connection:
                await rule_previews.save_total(connection, company_id, preview_id, total, medians)
        return {"total": total, "bounds": bounds}

    @activity.defn(name=names.PREVIEW_CHUNK)
    async def preview_chunk(self, request: PreviewChunkRequest) -> None:
        """Compute and save one chunk. Another attempt replaces what an earlier one has saved.

        Raises:
            ApplicationError: ``NoSuchPreview``, if it was deleted; final.
        """
        numbers = (request["company_id"], request["preview_id"], request["chunk"], request["after"], request["until"])
        async with maintenance_attempt():
            try:
                found = await self._process.run(preview_chunk, ChunkWork(str(self._pool.conninfo), *numbers))
            except ForeignKeyViolation:
                found = False
            if not found:
                raise _no_such_preview(request)

    @activity.defn(name=names.FINISH_PREVIEW)
    async def finish_preview(self, request: FinishPreviewRequest) -> None:
        """Add up the chunks and record the result, or why there is none; nothing if the preview was deleted."""
        company_id, preview_id = request["company_id"], request["preview_id"]
        async with maintenance_attempt(), tenant_transaction(self._pool, company_id) as connection:
            preview = await rule_previews.find(connection, company_id, preview_id)
            if preview is None or preview.status != "running":
                return
            result: dict[str, Any] | None = None
            if request["failed"] is None:
                books = await rulebooks_of(connection, self._rulebooks, company_id, preview)
                parts = await rule_previews.chunk_results(connection, company_id, preview_id)
                result = shown(summed(parts), books.old, books.new)
            await rule_previews.finish(connection, company_id, preview_id, result, request["failed"])

    @activity.defn(name=names.DELETE_PREVIEW)
    async def delete_preview(self, request: PreviewRequest) -> None:
        async with maintenance_attempt():
            await rule_previews.delete(self._pool, request["company_id"], request["preview_id"])

    async def _recorded(self, company_id: int, preview_id: int) -> RulePreview:
        """Return the preview once it is on record."""
        for _ in range(int(RECORD_WAIT / POLL_INTERVAL)):
            async with tenant_transaction(self._pool, company_id) as connection:
                preview = await rule_previews.find(connection, company_id, preview_id)
            if preview is not None:
                return preview
            await asyncio.sleep(POLL_INTERVAL)
        raise _no_such_preview({"company_id": company_id, "preview_id": preview_id})


def _no_such_preview(request: PreviewRequest) -> ApplicationError:
    text = f"company {request['company_id']} has no preview {request['preview_id']} on record"
    return ApplicationError(text, type="NoSuchPreview", non_retryable=True)
