"""Load a company's rulebook from its settings and stages, and cache it compiled."""

from __future__ import annotations

from typing import Any

import orjson

from db.connections import Connection, Pool, tenant_transaction
from db.journeys.company_medians import MEDIANS_VERSION
from journey.rhythm import CompanyMedians, MedianRecords
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.time import Micros, to_datetime, to_micros

_CACHE_SIZE = 10_000  # companies whose compiled rules a process keeps

# A version that is cached already is not sent again, so checking for changes costs one row.
_LOAD = """
select c.rules_version, c.rules_changed_at,
    case when (c.rules_version, c.rules_changed_at) is distinct from (%(version)s::int, %(changed_at)s::timestamptz)
        then json_build_object(
            'scoring', c.settings -> 'scoring',
            'runs_actions', (
                select v.runs_actions from rulebook_versions v
                 where v.company_id = c.id and v.version = c.rules_version),
            'stages', (
                select json_agg(json_build_object(
                    'stage_key', s.stage_key, 'stage_name', s.stage_name, 'description', s.description,
                    'order_index', s.order_index, 'color', s.color, 'icon', s.icon, 'kind', s.kind, 'role', s.role,
                    'auto_transition_rules', s.auto_transition_rules, 'retention_days', s.retention_days,
                    'actions', s.actions, 'is_active', s.is_active) order by s.order_index, s.id)
                from customer_journey_stages s where s.company_id = c.id)
        )::text end,
    MEDIANS_VERSION,
    (select json_agg(json_build_array((extract(epoch from m.counts_from) * 1000000)::bigint, m.gap, m.services))
       from company_medians m
      where m.company_id = c.id and MEDIANS_VERSION is distinct from %(medians)s::int)
from companies c where c.id = %(company_id)s
""".replace("MEDIANS_VERSION", MEDIANS_VERSION.format(company="c.id"))


class RulebookCache:
    """The compiled rulebooks of many companies, each in the latest version that was loaded."""

    def __init__(self) -> None:
        self._compiled: dict[int, Rulebook] = {}

    async def get(self, pool: Pool, company_id: int, version: int, medians_version: int | None = None) -> Rulebook:
        """Return the rulebook of a company, from the cache if it has this version, and of the medians if given.

        Otherwise loads the latest version, which may be newer than `version`. Raises the same errors as `load`.
        """
        cached = self._compiled.get(company_id)
        if cached is not None and cached.version == version and medians_version in (None, cached.medians.version):
            return cached
        return await self.latest(pool, company_id)

    def cached(self, company_id: int) -> Rulebook | None:
        """Return the cached rulebook without checking its version; the caller must check it before it relies on it."""
        return self._compiled.get(company_id)

    async def latest(self, pool: Pool, company_id: int) -> Rulebook:
        """Load the company's current rulebook. Raises the same errors as `load`."""
        async with tenant_transaction(pool, company_id) as connection:
            return await self.load(connection, company_id)

    async def load(self, connection: Connection, company_id: int) -> Rulebook:
        """Load the company's current rulebook on a connection in its scope; compile it only if it has changed.

        Raises:
            LookupError: The company does not exist.
            journey.rules.InvalidRule: A rule cannot be parsed.
        """
        cached = self._compiled.get(company_id)
        params: dict[str, Any] = {"company_id": company_id, "version": None, "changed_at": None, "medians": 0}
        if cached is not None:
            params |= {"version": cached.version, "changed_at": to_datetime(cached.changed_at)}
            params["medians"] = cached.medians.version
        row = await (await connection.execute(_LOAD, params)).fetchone()
        if row is None:
            raise LookupError(f"there is no company {company_id}")
        version, changed_at, text, medians_version, records = row
        if text is None:
            assert cached is not None
            if medians_version == cached.medians.version:
                return cached
            rulebook = cached
        else:
            rulebook = _compile(orjson.loads(text), version, to_micros(changed_at))
        if records is not None:
            rulebook = rulebook.with_medians(MedianRecords(CompanyMedians(*record) for record in records))
        elif cached is not None:
            rulebook = rulebook.with_medians(cached.medians)
        if len(self._compiled) >= _CACHE_SIZE:
            self._compiled.clear()
        self._compiled[company_id] = rulebook
        return rulebook


def _compile(fields: dict[str, Any], version: int, changed_at: Micros) -> Rulebook:
    if not fields["scoring"] and not fields["stages"]:
        # Companies with the default rules share the compiled stages and scoring.
        return Rulebook(DEFAULT_RULEBOOK.all_stages, DEFAULT_RULEBOOK.scoring, version, changed_at)
    runs_actions = bool(fields.pop("runs_actions"))
    return rulebook_from(fields, version=version, changed_at=changed_at, runs_actions=runs_actions)
