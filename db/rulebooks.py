"""A company's rulebook as it stands in Postgres: its own stages and scoring, or the defaults."""

from typing import Any

from db.session import Pool, tenant_rows
from journey.events import to_datetime, to_instant
from journey.stages import DEFAULT_STAGES, Rulebook, rulebook_from

KEPT = 1000  # rulebooks in memory

_LOAD = """
select c.rules_version, c.rules_changed_at, c.settings,
       (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                  'stage_key', s.stage_key, 'stage_name', s.stage_name, 'description', s.description,
                  'order_index', s.order_index, 'color', s.color, 'icon', s.icon, 'kind', s.kind,
                  'auto_transition_rules', s.auto_transition_rules, 'retention_days', s.retention_days,
                  'is_active', s.is_active)) order by s.order_index)
          from customer_journey_stages s where s.company_id = c.id)
  from companies c where c.id = %s
"""


async def load(pool: Pool, company_id: int) -> Rulebook:
    """The rulebook of a company. Raises LookupError without such a company, InvalidRule if what is stored is broken."""
    rows = await tenant_rows(pool, company_id, _LOAD, [company_id])
    if not rows:
        raise LookupError(f"there is no company {company_id}")
    version, changed_at, settings, stages = rows[0]
    fields: dict[str, Any] = {"stages": stages or DEFAULT_STAGES, "scoring": settings.get("scoring") or {}}
    return rulebook_from(fields, version=version, changed_at=to_instant(changed_at))


class Rulebooks:
    """Rulebooks in memory, by company and version: a company's rules change seldom and are asked for at every commit."""

    def __init__(self) -> None:
        self._kept: dict[int, Rulebook] = {}

    async def of(self, pool: Pool, company_id: int, version: int) -> Rulebook:
        """The rulebook of the version that was just seen in Postgres."""
        kept = self._kept.get(company_id)
        if kept is None or kept.version != version:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            kept = self._kept[company_id] = await load(pool, company_id)
        return kept
