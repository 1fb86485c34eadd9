"""A sweep over all companies: resumable, with a short history; a company that fails does not stop the others.

Companies are read in pages, ordered by id. Only the last id done and the sums so far cross a continue-as-new, so its
size does not depend on the number of companies.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from contracts import names, timeouts
    from contracts.maintenance import EvaluateChunkRequest, EvaluateChunkResult, ListCompaniesRequest, SweepStart

MAX_REASONS = 100  # failed companies whose reason is kept


async def sweep_companies(
    start: SweepStart, work: Callable[[int], Awaitable[None]], concurrency: int, summary: str
) -> dict[str, Any]:
    """Do the work for every company and continue as new between pages.

    Args:
        start: The workflow's argument, whose progress is updated.
        work: Does one company's share. An ActivityError is recorded as that company's failure.
        concurrency: Number of companies at a time.
        summary: First line of the workflow's details.

    Returns:
        ``companies``, the sums, ``failures`` and ``failed``.
    """
    while True:
        page = [start.company] if start.company and not start.companies else []
        if start.company is None:
            page = await list_companies(start.after, start.page)
        for first in range(0, len(page), concurrency):
            batch = page[first : first + concurrency]
            await asyncio.gather(*(_guarded(start, company_id, work) for company_id in batch))
            start.after = batch[-1]
            workflow.set_current_details(f"{summary}\n\n{_details(start)}")
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(start)
        if len(page) < start.page:
            break
        workflow.continue_as_new(start)
    if start.failures:
        workflow.logger.warning(f"{start.failures} companies failed: {start.failed}")
    return {"companies": start.companies, **start.sums, "failures": start.failures, "failed": start.failed}


def add_to_sums(start: SweepStart, **numbers: int) -> None:
    """Add one company's numbers to the sweep's sums."""
    for name, number in numbers.items():
        start.sums[name] = start.sums.get(name, 0) + number


async def list_companies(after: int, limit: int) -> list[int]:
    """Return the next companies' ids; retries for as long as Postgres is unavailable."""
    request: ListCompaniesRequest = {"after": after, "limit": limit}
    company_ids: list[int] = await workflow.execute_activity(
        names.LIST_COMPANIES,
        request,
        result_type=list[int],
        start_to_close_timeout=timeouts.LIST_COMPANIES_TIMEOUT,
        retry_policy=timeouts.MAINTENANCE_RETRY,
        summary=f"companies after {after}",
    )
    return company_ids


async def run_maintenance_activity(
    name: str, request: Any, *, summary: str, result_type: type[Any] | None = None
) -> Any:
    """Run the activity that does one company's share of a sweep, with the timeouts common to all of them.

    Raises:
        temporalio.exceptions.ActivityError: It failed, or was cancelled.
    """
    return await workflow.execute_activity(
        name,
        request,
        result_type=result_type,
        schedule_to_close_timeout=timeouts.MAINTENANCE_TIMEOUT,
        heartbeat_timeout=timeouts.MAINTENANCE_HEARTBEAT,
        retry_policy=timeouts.MAINTENANCE_RETRY,
        summary=summary,
    )


async def evaluate_chunk(request: EvaluateChunkRequest, looked: int, total: int) -> EvaluateChunkResult:
    """Evaluate the next journeys of a company, of which so many are done. Raises ActivityError."""
    result: EvaluateChunkResult = await run_maintenance_activity(
        names.EVALUATE_CHUNK,
        request,
        result_type=EvaluateChunkResult,
        summary=f"company {request['company_id']}: {looked:,} of {total:,}",
    )
    return result


def failure_reason(error: ActivityError) -> str:
    """Return why an activity failed, shortened."""
    cause = error.cause or error
    return (cause.message if isinstance(cause, FailureError) else str(cause))[:200]


async def _guarded(start: SweepStart, company_id: int, work: Callable[[int], Awaitable[None]]) -> None:
    try:
        await work(company_id)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        start.failures += 1
        if len(start.failed) < MAX_REASONS:
            start.failed[str(company_id)] = failure_reason(error)
    start.companies += 1


def _details(start: SweepStart) -> str:
    """Return the progress as Markdown, for the Temporal UI."""
    lines = [f"- {name}: {number:,}" for name, number in {"companies": start.companies, **start.sums}.items()]
    lines += [f"- company {company_id} **failed**: {reason}" for company_id, reason in start.failed.items()]
    return "\n".join(lines)
