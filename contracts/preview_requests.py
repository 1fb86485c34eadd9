"""Arguments and results of the workflow that previews changed rules, and of its activities: plain JSON."""

from dataclasses import dataclass, field
from typing import TypedDict


class PreviewRequest(TypedDict):
    """Argument of ``plan_preview`` and ``delete_preview``: one preview of a company."""

    company_id: int
    preview_id: int


class PlanPreviewRequest(PreviewRequest):
    """Argument of ``plan_preview``: ``size`` journeys per chunk."""

    size: int


class PreviewPlan(TypedDict):
    """Result of ``plan_preview``: the ``total`` of journeys, and the last relationship of each chunk."""

    total: int
    bounds: list[int]


class PreviewChunkRequest(PreviewRequest):
    """Argument of ``preview_chunk``: the journeys after relationship ``after``, until relationship ``until``."""

    chunk: int
    after: int
    until: int


class FinishPreviewRequest(PreviewRequest):
    """Argument of ``finish_preview``. ``failed`` is the reason why there is no result."""

    failed: str | None


@dataclass
class PreviewStart:
    """Argument of ``PreviewRules``, at its start and at every continue-as-new.

    Fields are only ever added, each with a default. ``company_id`` to ``kept`` are settings, the others the progress.

    Attributes:
        company_id: The company.
        preview_id: The preview, on record in Postgres.
        size: Journeys per chunk.
        lanes: Chunks at a time; each worker computes one at a time.
        kept: Seconds until the result is deleted.
        planned: Whether the chunks are known.
        total: Number of journeys.
        bounds: Last relationship of each chunk.
        next: The next chunk.
        finished: Whether the result, or the failure, is on record.
    """

    company_id: int
    preview_id: int
    size: int = 5000
    lanes: int = 2
    kept: float = 24 * 3600.0
    schema: int = 1
    planned: bool = False
    total: int = 0
    bounds: list[int] = field(default_factory=list)
    next: int = 0
    finished: bool = False
