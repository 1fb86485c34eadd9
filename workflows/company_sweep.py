"""A round through all companies: resumable, its history short; a company that fails stops no other.

The companies are read in pages, in the order of their ids. What crosses a continue-as-new is the last id that is done
and the sums so far, whatever the number of companies.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.maintenance import Companies

NAMED = 100  # companies that failed which are named


@dataclass
class Round:
    """The argument of a round, at its start and at every continue-as-new; fields are only ever added, with a default.

    ``company``: only this one. ``until``: the last day (2026-03-12) of stage metrics, by default yesterday.
    ``look_again`` (seconds): see ``names.SECOND_LOOK``. ``page``: companies in one run, at most. The rest is what the
    round has done: when it ``began`` (RFC 3339), companies up to ``after``, how many, the sums of their results, and
    why some ``failed`` (by id; ``failures`` counts all).
    """

    schema: int = 1
    company: int | None = None
    until: str | None = None
    look_again: float = names.SECOND_LOOK.total_seconds()
    page: int = 50
    began: str | None = None
    after: int = 0
    companies: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, **numbers: int) -> None:
        for name, number in numbers.items():
            self.sums[name] = self.sums.get(name, 0) + number

    def fails(self, company_id: int, reason: str) -> None:
        self.failures += 1
        if len(self.failed) < NAMED:
            self.failed[str(company_id)] = reason

    def result(self) -> dict[str, Any]:
        """What the round did: its sums, and the companies that failed with the reason of each."""
        return {"companies": self.companies, **self.sums, "failures": self.failures, "failed": self.failed}

    def details(self) -> str:
        """For the UI, in Markdown."""
        lines = [f"- {name}: {number:,}" for name, number in {"companies": self.companies, **self.sums}.items()]
        lines += [f"- company {company_id} **failed**: {reason}" for company_id, reason in self.failed.items()]
        return "\n".join(lines)


async def every_company(
    start: Round, work: Callable[[int], Awaitable[None]], lanes: int, summary: str
) -> dict[str, Any]:
    """Do one company's work for each, ``lanes`` at once; the result of the last run. Continues as new between pages."""
    while True:
        page = [start.company] if start.company and not start.companies else []
        if start.company is None:
            page = await companies(start.after, start.page)
        for first in range(0, len(page), lanes):
            lane = page[first : first + lanes]
            await asyncio.gather(*(_guarded(start, company_id, work) for company_id in lane))
            start.after = lane[-1]
            workflow.set_current_details(f"{summary}\n\n{start.details()}")
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(start)
        if len(page) < start.page:
            break
        workflow.continue_as_new(start)
    if start.failures:
        workflow.logger.warning(f"{start.failures} companies failed: {start.failed}")
    return start.result()


async def companies(after: int, limit: int) -> list[int]:
    """The next companies' ids; waits while Postgres is away."""
    request: Companies = {"after": after, "limit": limit}
    found: list[int] = await workflow.execute_activity(
        names.LIST_COMPANIES,
        request,
        result_type=list[int],
        start_to_close_timeout=names.LIST_LIMIT,
        retry_policy=names.ROUND_RETRY,
        summary=f"companies after {after}",
    )
    return found


async def _guarded(start: Round, company_id: int, work: Callable[[int], Awaitable[None]]) -> None:
    try:
        await work(company_id)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        start.fails(company_id, why(error))
    start.companies += 1


def why(error: ActivityError) -> str:
    """The reason of a failed activity, short."""
    cause = error.cause or error
    return (cause.message if isinstance(cause, FailureError) else str(cause))[:200]
