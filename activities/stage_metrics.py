"""The days of the stage metrics, written in chunks; which companies there are."""

from datetime import date, datetime, timedelta

from temporalio import activity

from activities.attempts import trying
from contracts.maintenance import ListCompaniesRequest, StageMetricsRequest, StageMetricsResult
from db.analytics import metric_days
from db.analytics.journey_analytics import AnalyticsQuery
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.people import companies

#: StageMetricsRequest in one call, each of which reads the company's transitions up to its end.
CHUNK = timedelta(days=92)
#: A commit's rows bear the time when it began, and can be seen when it ends.
UNSEEN = timedelta(minutes=10)


class Metrics:
    """The activities with their dependency: the pool of the application's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rulebooks = RulebookCache()

    @activity.defn(name="list_companies")
    async def list_companies(self, request: ListCompaniesRequest) -> list[int]:
        """A page of the ids of all companies, ascending."""
        async with trying():
            return await companies.all_ids(self._pool, request["after"], request["limit"])

    @activity.defn(name="write_stage_metrics")
    async def write_stage_metrics(self, request: StageMetricsRequest) -> StageMetricsResult:
        """Write a chunk of days of one company; with the last one, remember what has been counted."""
        company_id, last = request["company_id"], date.fromisoformat(request["last"])
        async with trying():
            rulebook = await self._rulebooks.latest(self._pool, company_id)
            if request["first"] is None:
                first = await metric_days.first_due_day(self._pool, company_id, last)
                if first is None:
                    return {"days": 0, "rows": 0, "next": None}
            else:
                first = date.fromisoformat(request["first"])
            until = min(last, first + CHUNK - timedelta(days=1))
            rows = await metric_days.write_days(
                self._pool, company_id, AnalyticsQuery(rulebook.all_stages), first, until
            )
            if until == last:
                counted_at = datetime.fromisoformat(request["at"]) - UNSEEN
                await metric_days.set_mark(self._pool, company_id, counted_at)
        following = None if until == last else (until + timedelta(days=1)).isoformat()
        return {"days": (until - first).days + 1, "rows": rows, "next": following}
