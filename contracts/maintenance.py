"""Requests and results of the maintenance activities, and the start of `EvaluateAll`: plain JSON."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from contracts import names


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


@dataclass
class Evaluation:
    """The argument of ``EvaluateAll``, at its start and at every continue-as-new; fields are only ever added, with a
    default.

    ``company``: only this one. ``chunk`` journeys are one activity, ``chunks`` of them one run; at most ``rate`` a
    second are asked to evaluate themselves, so that live traffic keeps its pace; ``grace`` in seconds. The rest is what
    is done: companies before ``current``, which is under way where it has ``begun``; of its ``total`` journeys those up
    to relationship ``after``; and the sums of all companies.
    """

    company: int | None = None
    chunk: int = 500
    rate: float = 20.0
    grace: int = int(names.GRACE.total_seconds())
    chunks: int = 50
    schema: int = 1
    current: int = 0
    begun: bool = False
    total: int = 0
    after: int = 0
    looked_here: int = 0
    companies: int = 0
    evaluated: int = 0
    drifted: int = 0
    unanswered: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
