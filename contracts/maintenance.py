"""Arguments and results of the maintenance workflows and their activities: plain JSON."""

from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from contracts import timeouts


class ListCompaniesRequest(TypedDict):
    """Argument of ``list_companies``: at most ``limit`` ids greater than ``after``."""

    after: int
    limit: int


class StageMetricsRequest(TypedDict):
    """Argument of ``write_stage_metrics``: one company's days to be written.

    ``first`` (None: the first day that is due) and ``last`` are ISO dates; ``at`` (RFC 3339) is when the sweep began.
    """

    company_id: int
    first: str | None
    last: str
    at: str


class StageMetricsResult(TypedDict):
    """Result of ``write_stage_metrics``: ``days`` and ``rows`` written, and the ``next`` day to write, if any."""

    days: int
    rows: int
    next: str | None


class ReconcileRequest(TypedDict):
    """Argument of ``reconcile``: one company's overdue and lost journeys.

    Overdue are journeys whose deadline passed before ``before`` (RFC 3339) and which have had no commit since.
    ``repair``: have them and all lost journeys evaluated; otherwise only check whether there are any.
    """

    company_id: int
    before: str
    repair: bool


class ReconcileResult(TypedDict, total=False):
    """Result of ``reconcile``.

    Of the ``overdue`` journeys, ``committing`` are only waiting for Postgres. The others are faults: the workflow of
    ``missed`` was running, that of ``gone`` was not. Overdue or not, a workflow may also be gone, or ``behind`` its row
    (Temporal was restored from a backup) or ``ahead`` of it (Postgres was). ``repaired`` of the faults have been
    evaluated since.
    """

    overdue: int
    committing: int
    missed: int
    gone: int
    behind: int
    ahead: int
    repaired: int


#: The numbers of a ``ReconcileResult`` that count faults.
FAULTS: tuple[Literal["missed", "gone", "behind", "ahead"], ...] = ("missed", "gone", "behind", "ahead")


class RecordFaultsRequest(TypedDict):
    """Argument of ``record_faults``: what a sweep found in one company, for the audit log.

    ``round`` is the workflow id.
    """

    company_id: int
    round: str
    found: ReconcileResult


#: In which order a roll-out looks at journeys: by ``id``; first those that the ``preview`` says it moves; by the next
#: ``deadline``; those with ``none``. Journeys that have been decided by the new rules already are left out of the last
#: three.
RolloutOrder = Literal["id", "preview", "deadline", "none"]


class EvaluateChunkRequest(TypedDict):
    """Argument of ``evaluate_chunk``: the company's next ``size`` journeys after relationship ``after``.

    At most ``rate`` journeys per second are asked to evaluate themselves; ``grace`` is in seconds (see
    ``journey.drift``). ``rules_version``: of a roll-out, which has to find this version of the rules in force.
    ``order``: see ``RolloutOrder``; the next journeys are then those after ``deadline`` and relationship ``after``.
    ``preview_id``: the preview of the change.
    """

    company_id: int
    after: int
    size: int
    rate: float
    grace: int
    rules_version: NotRequired[int]
    order: NotRequired[RolloutOrder]
    deadline: NotRequired[str | None]
    preview_id: NotRequired[int | None]


class EvaluateChunkResult(TypedDict):
    """Result of ``evaluate_chunk``.

    ``after`` is the last of the ``looked`` relationships checked (None: there were none). ``changes`` describes the
    first of the ``drifted`` journeys as ``journey.drift`` does, plus ``company_id``, ``customer_id`` and ``done``;
    ``unanswered`` journeys did not commit in time. ``newer``: a newer version of the rules is in force than that of the
    roll-out, whose own roll-out does the rest. ``deadline``: of the last journey, in the order of deadlines.
    """

    after: int | None
    looked: int
    drifted: int
    unanswered: int
    changes: list[dict[str, Any]]
    newer: NotRequired[bool]
    deadline: NotRequired[str]


class ReportRolloutRequest(TypedDict):
    """Argument of ``report_rollout``: the roll-out of a version, and the preview of the change that made it."""

    company_id: int
    version: int
    preview_id: int


class FitResult(TypedDict):
    """Result of ``fit_return_model``: the version stored, and why it has no model (None: it has one)."""

    company_id: int
    version: int
    customers: int
    reason: str | None


@dataclass
class SweepStart:
    """Argument of ``StageMetrics``, ``Reconciliation`` and ``FitReturnModels``, also at every continue-as-new.

    Fields are only ever added, each with a default. ``company`` to ``page`` are settings, the others the progress.

    Attributes:
        company: Only this company.
        until: Last day of stage metrics, as an ISO date; by default yesterday.
        look_again: Recheck delay in seconds, see ``timeouts.RECHECK_DELAY``.
        page: Maximum number of companies in one run.
        began: When the sweep began, in RFC 3339.
        after: Last company id that is done.
        companies: Number of companies that are done.
        sums: Sums of the companies' results.
        failures: Number of companies that failed.
        failed: Reasons for the first of them, by company id.
    """

    schema: int = 1
    company: int | None = None
    until: str | None = None
    look_again: float = timeouts.RECHECK_DELAY.total_seconds()
    page: int = 50
    began: str | None = None
    after: int = 0
    companies: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class EvaluateAllStart:
    """Argument of ``EvaluateAll``, at its start and at every continue-as-new.

    Fields are only ever added, each with a default. ``company`` to ``chunks`` are settings, the others the progress.

    Attributes:
        company: Only this company.
        chunk: Journeys per activity.
        rate: Journeys per second that are asked to evaluate themselves, at most, to leave capacity for live traffic.
        grace: Seconds, see ``journey.drift``.
        chunks: Activities per run.
        current: The company being evaluated, if ``begun``; companies before it are done.
        total: Number of journeys of that company.
        after: Last relationship of that company that is done.
        looked_here: Number of journeys of that company that are done.
        companies: Number of companies that are done; likewise ``evaluated``, ``drifted`` and ``unanswered`` journeys.
        changes: The first of the drifted journeys.
        failed: Reasons why companies failed, by id.
    """

    company: int | None = None
    chunk: int = 500
    rate: float = 20.0
    grace: int = int(timeouts.OVERDUE_GRACE.total_seconds())
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


@dataclass
class RolloutStart:
    """Argument of ``RulesRollout``, at its start and at every continue-as-new.

    Fields are only ever added, each with a default. ``company_id`` to ``chunks`` are settings, the others the progress.

    Attributes:
        company_id: The company whose rules have changed.
        version: The version of its rules that is rolled out.
        rate: Journeys per second that are notified, at most, to leave capacity for live traffic.
        chunk: Journeys per activity.
        chunks: Activities per run.
        begun: Whether the journeys have been counted.
        total: Number of the company's journeys when it began.
        after: Last relationship that is done.
        looked: Number of journeys that are done; of these, the ``changed`` ones were notified.
        changed: Number of journeys that the change moves, or whose scores or deadline it changes.
        unanswered: Number of these that did not commit in time.
        paused: Whether it waits for somebody to continue it.
        newer: Whether it ended because a newer version is in force.
        order: The order of the journeys now, see ``RolloutOrder``.
        deadline: In the order of deadlines, that of the last journey that is done.
        preview_id: The preview of the change.
        report: What it did, held against the preview; see ``db.journeys.rollout_reports``.
    """

    company_id: int
    version: int
    rate: float = 20.0
    chunk: int = 100
    chunks: int = 50
    schema: int = 1
    begun: bool = False
    total: int = 0
    after: int = 0
    looked: int = 0
    changed: int = 0
    unanswered: int = 0
    paused: bool = False
    newer: bool = False
    order: RolloutOrder = "id"
    deadline: str | None = None
    preview_id: int | None = None
    report: dict[str, Any] | None = None
