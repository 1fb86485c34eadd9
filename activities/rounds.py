"""What crosses between the maintenance workflows and their activities, and how their activities try and beat."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

import psycopg
from temporalio import activity
from temporalio.exceptions import ApplicationError

BEAT = 3.0  # seconds between two signs of life
TRIES = 3  # of what fails though Postgres answers


class Days(TypedDict):
    """What ``write_stage_metrics`` is asked: one company's days from ``first`` (None: the first that is due) to
    ``last``, both like 2026-03-12. ``at`` (RFC 3339): when the round began that this belongs to."""

    company_id: int
    first: str | None
    last: str
    at: str


class DaysWritten(TypedDict):
    """``days`` of this call, their ``rows``, and the ``next`` day to be written; None: all are."""

    days: int
    rows: int
    next: str | None


class Overdue(TypedDict):
    """What ``reconcile`` is asked: one company's journeys whose deadline passed before ``before`` (RFC 3339), and which
    nothing was committed of since. ``repair``: have them evaluated; otherwise it is only seen whether there are any."""

    company_id: int
    before: str
    repair: bool


class Reconciled(TypedDict, total=False):
    """``overdue``: so many were found, of which ``committing`` wait for Postgres only; the others are faults:
    ``missed`` had a workflow, ``gone`` had none. ``repaired`` of the faults have evaluated themselves by now."""

    overdue: int
    committing: int
    missed: int
    gone: int
    repaired: int


class Chunk(TypedDict):
    """What ``evaluate_chunk`` is asked: the company's next ``size`` journeys after relationship ``after``. ``rate``: at
    most so many a second are asked to evaluate themselves; ``grace`` in seconds, see ``journey.drift``."""

    company_id: int
    after: int
    size: int
    rate: float
    grace: int


class Evaluated(TypedDict):
    """``after``: the last of the ``looked`` relationships, None for none. ``changes``: of the ``drifted`` the first, as
    ``journey.drift.would_change`` says them, with ``customer_id`` and ``done``; ``unanswered`` have not moved."""

    after: int | None
    looked: int
    drifted: int
    unanswered: int
    changes: list[dict[str, Any]]


class Companies(TypedDict):
    """What ``list_companies`` is asked: at most ``limit`` ids beyond ``after``."""

    after: int
    limit: int


class Faults(TypedDict):
    """What ``record_faults`` is asked: what a round found in one company, for the audit log. ``round`` is the
    workflow's id."""

    company_id: int
    round: str
    found: Reconciled


class Progress:
    """What an activity got done, kept by its signs of life for the try after a worker's death; None at first."""

    def __init__(self) -> None:
        self.done: Any = next(iter(activity.info().heartbeat_details), None)

    def reached(self, done: Any) -> None:
        self.done = done
        activity.heartbeat(done)

    async def beat(self) -> None:
        while True:
            activity.heartbeat(*([] if self.done is None else [self.done]))
            await asyncio.sleep(BEAT)


@asynccontextmanager
async def trying() -> AsyncGenerator[Progress]:
    """Around an activity: signs of life; and what fails although Postgres answers is given up after three tries.

    Postgres' absence is outlasted by the retry policy; a fault of one company must not hold up the others for as long.
    """
    progress = Progress()
    beating = asyncio.create_task(progress.beat())
    try:
        yield progress
    except (psycopg.OperationalError, ApplicationError):
        raise
    except LookupError as error:  # there is no such company
        raise ApplicationError(str(error), type="NoSuchCompany", non_retryable=True) from error
    except Exception as error:
        if activity.info().attempt < TRIES:
            raise
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
    finally:
        beating.cancel()
