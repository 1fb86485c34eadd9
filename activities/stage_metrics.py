"""Write the daily stage metrics in chunks, and list the companies to write them for."""

from datetime import date, datetime, timedelta

from temporalio import activity

from activities.maintenance_attempts import maintenance_attempt
from contracts import names
from contracts.maintenance import ListCompaniesRequest, StageMetricsRequest, StageMetricsResult
from db.analytics import metric_days
from db.analytics.journey_analytics import AnalyticsQuery
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.people import companies

#: Days per call, each of which reads the company's transitions up to its end.
CHUNK = timedelta(days=92)
#: The rows of a commit have the time at which it began, but become visible only when it ends, at most this much later.
COMMIT_DELAY = timedelta(minutes=10)


class StageMetricsActivities:
    """The activities ``list_companies`` and ``write_stage_metrics``, and their dependency, the application's pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rulebooks = RulebookCache()

    @activity.defn(name=names.LIST_COMPANIES)
    async def list_companies(self, request: ListCompaniesRequest) -> list[int]:
        """Return a page of the ids of all companies, in ascending order."""
        async with maintenance_attempt():
            return await companies.all_ids(self._pool, request["after"], request["limit"])

    @activity.defn(name=names.WRITE_STAGE_METRICS)
    async def write_stage_metrics(self, request: StageMetricsRequest) -> StageMetricsResult:
        """Write a chunk of one company's days; with the last chunk, save up to when everything has been counted."""
        company_id, last = request["company_id"], date.fromisoformat(request["last"])
        async with maintenance_attempt():
            rulebook = await self._rulebooks.latest(self._pool, company_id)
            if request["first"] is None:
                first = await metric_days.first_due_day(self._pool, company_id, last)
                if first is None:
                    return {"days": 0, "rows": 0, "next": None}
            else:
                first = date.fromisoformat(request["first"])
            until = min(last, first + CHUNK - timedelta(days=1))
            query = AnalyticsQuery(rulebook.all_stages)
            rows = await metric_days.write_days(self._pool, company_id, query, first, until)
            if until == last:
                counted_at = datetime.fromisoformat(request["at"]) - COMMIT_DELAY
                await metric_days.set_mark(self._pool, company_id, counted_at)
        next_day = None if until == last else (until + timedelta(days=1)).isoformat()
        return {"days": (until - first).days + 1, "rows": rows, "next": next_day}
