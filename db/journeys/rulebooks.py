"""A company's rules, loaded from its settings and stages and compiled once per version."""

from __future__ import annotations

from typing import Any

import orjson

from db.connections import Connection, Pool, tenant_transaction
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.time import Micros, to_datetime, to_micros

_KEPT = 10_000  # companies whose compiled rules a process remembers

# What is known already is not sent again: a look at the version costs one row.
_LOAD = """
select c.rules_version, c.rules_changed_at,
    case when (c.rules_version, c.rules_changed_at) is distinct from (%(version)s::int, %(changed_at)s::timestamptz)
        then json_build_object(
            'scoring', c.settings -> 'scoring',
            'stages', (
                select json_agg(json_build_object(
                    'stage_key', s.stage_key, 'stage_name', s.stage_name, 'description', s.description,
                    'order_index', s.order_index, 'color', s.color, 'icon', s.icon, 'kind', s.kind, 'role', s.role,
                    'auto_transition_rules', s.auto_transition_rules, 'retention_days', s.retention_days,
                    'actions', s.actions, 'is_active', s.is_active) order by s.order_index, s.id)
                from customer_journey_stages s where s.company_id = c.id)
        )::text end
from companies c where c.id = %(company_id)s
"""


class Rulebooks:
    """The compiled rules of many companies, each in its newest version that was asked for."""

    def __init__(self) -> None:
        self._compiled: dict[int, Rulebook] = {}

    async def of(self, pool: Pool, company_id: int, version: int) -> Rulebook:
        """The rules of a company whose `rules_version` is known; without Postgres when that version is compiled.

        Where the rules changed since, it is the newer version that is answered. Errors as in `load`.
        """
        known = self._compiled.get(company_id)
        if known is not None and known.version == version:
            return known
        return await self.newest(pool, company_id)

    def remembered(self, company_id: int) -> Rulebook | None:
        """The rules that were asked for last; whoever decides by them must check the version."""
        return self._compiled.get(company_id)

    async def newest(self, pool: Pool, company_id: int) -> Rulebook:
        """The company's rules of now. Errors as in `load`."""
        async with tenant_transaction(pool, company_id) as connection:
            return await self.load(connection, company_id)

    async def load(self, connection: Connection, company_id: int) -> Rulebook:
        """The company's rules of now, on a connection in its scope: one round trip, compiled only when they changed.

        Raises LookupError for a company that does not exist, journey.rules.InvalidRule for rules that do not parse.
        """
        known = self._compiled.get(company_id)
        params: dict[str, Any] = {"company_id": company_id, "version": None, "changed_at": None}
        if known is not None:
            params |= {"version": known.version, "changed_at": to_datetime(known.changed_at)}
        row = await (await connection.execute(_LOAD, params)).fetchone()
        if row is None:
            raise LookupError(f"there is no company {company_id}")
        version, changed_at, text = row
        if text is None:
            assert known is not None
            return known
        rulebook = _compile(orjson.loads(text), version, to_micros(changed_at))
        if len(self._compiled) >= _KEPT:
            self._compiled.clear()
        self._compiled[company_id] = rulebook
        return rulebook


def _compile(fields: dict[str, Any], version: int, changed_at: Micros) -> Rulebook:
    if not fields["scoring"] and not fields["stages"]:
        # Who has the defaults shares their compiled rules.
        return Rulebook(DEFAULT_RULEBOOK.all_stages, DEFAULT_RULEBOOK.scoring, version, changed_at)
    return rulebook_from(fields, version=version, changed_at=changed_at)
