"""The versions of a company's stages, rules and scoring: the newest is in force, none is ever changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from db.connections import Connection
from db.journeys import rule_previews
from db.journeys.rulebooks import RulebookCache
from db.people.audit_log import record
from journey.rules_preview import stages_after
from journey.stages import Rulebook, rulebook_from
from journey.time import to_datetime, to_micros


class VersionConflict(Exception):
    """The rules were changed in the meantime; ``current`` is their version now."""

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(f"the current version is {current}")


class OtherPreview(Exception):
    """The preview that a change names is not of this change; the text says why."""


@dataclass(frozen=True, slots=True)
class RulebookVersion:
    """One version.

    Attributes:
        effective_at: Events are decided by it from this instant on.
        stages: The stages; None stands for the defaults.
        scoring: The settings that differ from the defaults.
        runs_actions: Whether the moves caused by the change ran the actions of their stages.
        actor: Who made the change; ``system`` for the rules that a company began with.
        restores: The version that it makes the newest again, if it does.
        preview_id: The preview of the change that made it.
    """

    version: int
    effective_at: datetime
    stages: Any
    scoring: Any
    runs_actions: bool
    actor: str
    reason: str | None
    restores: int | None
    preview_id: int | None

    def as_stages(self) -> list[dict[str, Any]]:
        """Return the stages, with the defaults filled in."""
        stages: list[dict[str, Any]] = self.rulebook().as_json()["stages"]
        return stages

    def restored(self, actor: str, reason: str | None, *, runs_actions: bool, preview_id: int | None = None) -> Change:
        """Return the change that makes it the newest again."""
        return Change(
            self.as_stages(),
            self.scoring or {},
            actor,
            reason,
            runs_actions=runs_actions,
            restores=self.version,
            preview_id=preview_id,
        )

    def rulebook(self) -> Rulebook:
        """Compile it. Raises InvalidRule if code of today no longer accepts it."""
        return rulebook_from(
            {"stages": self.stages, "scoring": self.scoring},
            version=self.version,
            changed_at=to_micros(self.effective_at),
            runs_actions=self.runs_actions,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the rules.

    Attributes:
        scoring: None keeps it as it is.
        preview_id: Its preview; None: the newest complete one of the same change, if there is one.
    """

    stages: list[dict[str, Any]]
    scoring: dict[str, Any] | None
    actor: str
    reason: str | None
    runs_actions: bool = False
    restores: int | None = None
    preview_id: int | None = None


_INSERT = (
    "insert into rulebook_versions"
    " (company_id, version, effective_at, stages, scoring, runs_actions, actor, reason, restores, preview_id)"
    " values (%(company)s, %(version)s, %(at)s, %(stages)s, %(scoring)s, %(runs_actions)s, %(actor)s, %(reason)s,"
    " %(restores)s, %(preview_id)s) on conflict do nothing"
)
_SELECT = (
    "select version, effective_at, stages, scoring, runs_actions, actor, reason, restores, preview_id"
    " from rulebook_versions where company_id = %s"
)
_PUT_STAGE = """
insert into customer_journey_stages (company_id, stage_key, stage_name, description, order_index, color, icon, kind,
                                     role, auto_transition_rules, retention_days, actions, is_active)
select %(company)s, s.stage_key, s.stage_name, s.description, s.order_index, s.color, s.icon, s.kind, s.role,
       nullif(s.auto_transition_rules, 'null'), s.retention_days, s.actions, s.is_active
  from jsonb_to_recordset(%(stages)s) as s(stage_key text, stage_name text, description text, order_index int,
       color text, icon text, kind text, role text, auto_transition_rules jsonb, retention_days int, actions jsonb,
       is_active boolean)
on conflict (company_id, stage_key) do update
   set (stage_name, description, order_index, color, icon, kind, role, auto_transition_rules, retention_days, actions,
        is_active, updated_at)
     = (excluded.stage_name, excluded.description, excluded.order_index, excluded.color, excluded.icon, excluded.kind,
        excluded.role, excluded.auto_transition_rules, excluded.retention_days, excluded.actions, excluded.is_active,
        now())
"""

_MOVES = """
select t.from_stage as "from", t.to_stage as "to", count(*)::int as count
  from rulebook_versions v
  left join rulebook_versions n on n.company_id = v.company_id and n.version = v.version + 1
  join journey_transitions t on t.company_id = v.company_id and t.transitioned_at >= v.effective_at
   and (n.effective_at is null or t.transitioned_at < n.effective_at) and t.trigger_event = 'rules_changed'
 where v.company_id = %(company)s and v.version = %(version)s
 group by 1, 2 order by 3 desc, 1, 2
"""


async def list_all(connection: Connection, company_id: int) -> list[RulebookVersion]:
    """Return the versions on record, the newest first. The current one is not among them before the first change."""
    async with connection.cursor(row_factory=class_row(RulebookVersion)) as cursor:
        await cursor.execute(f"{_SELECT} order by version desc", [company_id])
        return await cursor.fetchall()


async def find(connection: Connection, company_id: int, version: int) -> RulebookVersion | None:
    async with connection.cursor(row_factory=class_row(RulebookVersion)) as cursor:
        await cursor.execute(f"{_SELECT} and version = %s", [company_id, version])
        return await cursor.fetchone()


async def put(
    connection: Connection,
    rulebooks: RulebookCache,
    company_id: int,
    change: Change,
    expected: int | None,
    before_commit: Callable[[int, int | None], Awaitable[None]],
) -> int:
    """Make a change the newest version, from now on, and return its number; the current one if nothing changes.

    Stages that are no longer named stay as inactive ones: the past of journeys names them.

    Args:
        change: Its stages and scoring are valid (`journey.rulebook_problems`).
        expected: The version that the change was made from; None: whichever is in force.
        before_commit: Called with the number of the version and of its preview, before it is in force; if it raises,
            nothing is changed.

    Raises:
        VersionConflict: Another version is in force than the expected one.
        OtherPreview: The preview is about another change.
    """
    await connection.execute("select from companies where id = %s for no key update", [company_id])
    current = await rulebooks.load(connection, company_id)
    if expected is not None and current.version != expected:
        raise VersionConflict(current.version)
    stored = await _stored_scoring(connection, company_id)
    scoring = stored if change.scoring is None else change.scoring
    new = rulebook_from({"stages": stages_after(current, change.stages), "scoring": scoring})
    if _content(new) == _content(current):
        return current.version
    preview_id = await _preview_of(connection, company_id, current, new, change.preview_id)
    first = {"at": to_datetime(current.changed_at), "actor": "system", "reason": None, "restores": None}
    first["preview_id"] = None
    before = {**first, "company": company_id, "version": current.version, "runs_actions": current.runs_actions}
    await connection.execute(
        _INSERT, {**before, "stages": Jsonb(_content(current)["stages"]), "scoring": Jsonb(stored)}
    )
    version = current.version + 1
    stages = Jsonb(new.as_json()["stages"])
    cursor = await connection.execute(
        "update companies set rules_version = %(version)s, rules_changed_at = clock_timestamp(),"
        " settings = settings || jsonb_build_object('scoring', %(scoring)s::jsonb)"
        " where id = %(company)s returning rules_changed_at",
        {"company": company_id, "version": version, "scoring": Jsonb(scoring)},
    )
    row = await cursor.fetchone()
    assert row is not None
    await connection.execute(_PUT_STAGE, {"company": company_id, "stages": stages})
    about = {"actor": change.actor, "reason": change.reason, "restores": change.restores, "at": row[0]}
    about["preview_id"] = preview_id
    written = {**about, "company": company_id, "version": version, "runs_actions": change.runs_actions}
    await connection.execute(_INSERT, {**written, "stages": stages, "scoring": Jsonb(scoring)})
    details = {"reason_given": change.reason is not None, "run_actions": change.runs_actions}
    await record(connection, company_id, change.actor, "stages.put", f"rules/{version}", details)
    await before_commit(version, preview_id)
    return version


async def _preview_of(
    connection: Connection, company_id: int, current: Rulebook, new: Rulebook, preview_id: int | None
) -> int | None:
    """Return the preview of a change: the given one, else the newest. Raises OtherPreview."""
    if preview_id is None:
        return await rule_previews.newest_of(connection, company_id, current.version, new)
    preview = await rule_previews.find(connection, company_id, preview_id)
    if preview is None:
        raise OtherPreview("there is no such preview, or it is no longer on record")
    if not rule_previews.is_of(preview, current.version, new):
        raise OtherPreview("this preview is about other rules, or was made from an earlier version")
    if preview.status != "complete":
        raise OtherPreview("this preview is not complete")
    return preview_id


async def _stored_scoring(connection: Connection, company_id: int) -> Any:
    cursor = await connection.execute("select settings -> 'scoring' from companies where id = %s", [company_id])
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


def _content(rulebook: Rulebook) -> dict[str, Any]:
    fields = rulebook.as_json()
    return {"stages": fields["stages"], "scoring": fields["scoring"]}


async def moves(connection: Connection, company_id: int, version: int) -> list[dict[str, Any]]:
    """Return how many journeys a change of the rules has moved so far, by the stages that they left and entered."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_MOVES, {"company": company_id, "version": version})
        return await cursor.fetchall()
