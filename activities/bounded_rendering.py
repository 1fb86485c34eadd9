"""Render and check companies' own templates in separate processes, with limits on time and memory.

The check of a template cannot foresee how long it runs, and a thread cannot be ended. A process can: the kernel ends it
when it has used up its CPU time. It has a low priority, and a company's templates are rendered one at a time, so that
a slow one delays only its own company.
"""

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from activities import previews, rendering
from activities.rendering import CompanyTemplate, InvalidTemplate, Rendered

PROCESSES = 2
CPU_SECONDS = 1.0  # of one rendering or check; usual ones take milliseconds
WALL_SECONDS = 20.0  # of the same, on an overloaded machine
MEMORY = 256 * 2**20  # bytes that a process may allocate after its start
NICENESS = 10

Result = TypeVar("Result")


class TooManyWaiting(Exception):
    """A company has as many renderings in progress as are allowed."""


class RenderingDelayed(Exception):
    """A rendering was ended because the machine is overloaded, not because of the template."""


@dataclass(eq=False)
class _Company:
    """A company's renderings in progress."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class TemplateRenderer:
    """Renders companies' own templates, one at a time per company. One per event loop.

    All methods raise `InvalidTemplate` for a template that takes too much time or memory, `RenderingDelayed` if the
    machine is overloaded, and `TooManyWaiting` if ``max_waiting`` renderings of the company are in progress.
    """

    def __init__(self, max_waiting: int | None = None) -> None:
        self._max_waiting = max_waiting
        self._companies: WeakValueDictionary[int, _Company] = WeakValueDictionary()
        self._processes = CapacityLimiter(PROCESSES)

    async def check(self, company_id: int, name: str, own: CompanyTemplate) -> None:
        """Check that a template can be saved. Raises as `rendering.check_template`."""
        await self._run(company_id, own, partial(rendering.check_template, name, own.subject, own.html, own.text))

    async def render(
        self, company_id: int, name: str, locale: str | None, context: Mapping[str, Any], own: CompanyTemplate
    ) -> Rendered:
        """Render a template. Raises as `rendering.render`."""
        return await self._run(company_id, own, partial(rendering.render, name, locale, dict(context), own))

    async def preview(
        self, company_id: int, name: str, locale: str, company_name: str, own: CompanyTemplate
    ) -> Rendered:
        """Render a template with example values. Raises as `previews.preview`."""
        return await self._run(company_id, own, partial(previews.preview, name, locale, company_name, own))

    async def _run(self, company_id: int, own: CompanyTemplate, work: Callable[[], Result]) -> Result:
        company = self._companies.setdefault(company_id, _Company())
        if self._max_waiting is not None and company.waiting >= self._max_waiting:
            raise TooManyWaiting
        company.waiting += 1
        try:
            async with company.lock, self._processes:
                return await _run_in_process(own, work)
        finally:
            company.waiting -= 1


async def _run_in_process(own: CompanyTemplate, work: Callable[[], Result]) -> Result:
    await to_process.run_sync(_prepare)  # if this starts a process, the time is not the template's
    try:
        async with asyncio.timeout(WALL_SECONDS):  # ends the process
            return await to_process.run_sync(_run_limited, work, cancellable=True)
    except TimeoutError:
        raise RenderingDelayed from None
    except BrokenWorkerProcess:
        longest = max(("text", "html", "subject"), key=lambda part: len(getattr(own, part) or ""))
        raise InvalidTemplate(longest, "takes too much time or memory to render; shorten it") from None


_is_prepared = False


def _run_limited(work: Callable[[], Result]) -> Result:
    """Run in the separate process: it ends if the work takes more CPU time than allowed."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # Python does not handle this signal, so it ends the process
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _prepare() -> None:
    """Lower the priority of the separate process and limit its memory, once."""
    global _is_prepared
    if _is_prepared:
        return
    _is_prepared = True
    os.nice(NICENESS)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
