"""Hold what a roll-out of changed rules did against the preview of the change."""

from __future__ import annotations

from collections import Counter
from typing import Any

from temporalio import activity

from activities.maintenance_attempts import maintenance_attempt
from contracts import names
from contracts.maintenance import ReportRolloutRequest
from db.connections import Pool, tenant_transaction
from db.journeys import rollout_reports, rule_previews
from db.journeys.preview_rulebooks import Rulebooks, rulebooks_of
from db.journeys.rollout_reports import DifferingJourney
from db.journeys.rulebooks import RulebookCache
from journey.engine import is_due_between
from journey.state import unpack
from journey.time import to_micros

MAX_LISTED = 100  # differing journeys that are listed with their reasons


class RolloutReportActivity:
    """The activity ``report_rollout`` and its dependency, the application's pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rulebooks = RulebookCache()

    @activity.defn(name=names.REPORT_ROLLOUT)
    async def report_rollout(self, request: ReportRolloutRequest) -> dict[str, Any] | None:
        """Return the report; None if the preview is no longer on record.

        Returns:
            ``planned``, ``moved``, ``as_planned``, ``differing`` (counts by reason) and ``customers`` (the first 100).
        """
        company_id, version, preview_id = request["company_id"], request["version"], request["preview_id"]
        async with maintenance_attempt(), tenant_transaction(self._pool, company_id) as connection:
            preview = await rule_previews.find(connection, company_id, preview_id)
            if preview is None:
                return None
            books = await rulebooks_of(connection, self._rulebooks, company_id, preview)
            numbers = await rollout_reports.counts(connection, company_id, version, preview_id)
            found = await rollout_reports.differing(connection, company_id, version, preview_id, preview.as_of)
        reasons = [_reason(journey, books, version) for journey in found]
        return {
            **numbers,
            "differing": dict(sorted(Counter(reasons).items())),
            "customers": [_shown(*each) for each in zip(found[:MAX_LISTED], reasons, strict=False)],
        }


def _reason(journey: DifferingJourney, books: Rulebooks, version: int) -> str:
    """Return why a journey was moved otherwise than planned."""
    if journey.state is None or journey.rules_version is None:
        return "gone"
    if journey.is_set:
        return "set"
    if journey.has_event:
        return "event"
    if journey.rules_version < version:
        return "unanswered"
    state, until = unpack(journey.state), to_micros(journey.effective_at)
    if any(is_due_between(state, rules, books.as_of, until) for rules in (books.old, books.new)):
        return "time"
    return "unknown"


def _shown(journey: DifferingJourney, reason: str) -> dict[str, Any]:
    planned = None if journey.planned_to is None else {"from": journey.planned_from, "to": journey.planned_to}
    moved = None if journey.moved_to is None else {"from": journey.moved_from, "to": journey.moved_to}
    return {"customer_id": journey.customer_id, "planned": planned, "moved": moved, "reason": reason}
