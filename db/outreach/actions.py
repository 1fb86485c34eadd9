"""What ``act`` reads and writes: an action with all that it needs to know, and what became of it.

What Postgres itself does for an action (a task, an assignment, a campaign) happens in the transaction that says so, so
that it happens once, however often it is tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from db.connections import Connection, Pool, tenant_rows
from journey.time import Micros

FINAL = ("succeeded", "failed", "suppressed", "cancelled")


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An action as it stands. ``move``: the transition that brought it about, as JSON."""

    id: int
    action_key: str
    action: str
    stage: str
    entry: int
    status: str
    attempts: int
    detail: dict[str, Any]
    move: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom the actions are about: ``profile`` (name, email, phone, time_zone, locale, consent), the company's name and
    outreach settings, where the journey stands, and when marketing messages were sent (µs, of the last 60 days)."""

    actions: list[ActionRow]
    relationship_id: int
    profile: dict[str, Any]
    company: str
    outreach: dict[str, Any] | None
    stage: str
    entry: int
    rules_version: int
    standing: dict[str, Any]
    marketing_sent: list[Micros]


_LOAD = """
with r as (
    select r.*, u.name, u.email, u.phone, u.time_zone, u.locale, u.consent
      from customers u join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
     where u.company_id = %(company)s and u.external_id = %(customer)s
)
select r.id, json_build_object('name', r.name, 'email', r.email, 'phone', r.phone, 'time_zone', r.time_zone,
                               'locale', r.locale, 'consent', r.consent),
       c.name, c.settings -> 'outreach', r.current_stage, (r.state ->> 'k')::int, r.rules_version,
       json_build_object('stage', r.current_stage, 'stage_entered_at', r.stage_entered_at,
                         'lifetime_value', r.lifetime_value::text, 'total_appointments', r.total_appointments,
                         'last_appointment_at', r.last_appointment_at, 'risk_score', r.risk_score),
       (select coalesce(json_agg((extract(epoch from m.done_at) * 1000000)::bigint), '[]') from journey_actions m
         where m.relationship_id = r.id and m.marketing and m.status = 'succeeded'
           and m.done_at > %(at)s::timestamptz - interval '60 days'),
       (select coalesce(json_agg(json_build_object(
                   'id', a.id, 'action_key', a.action_key, 'action', a.action, 'stage', a.stage_key, 'entry', a.entry,
                   'status', a.status, 'attempts', a.attempts, 'detail', a.detail,
                   'move', (select json_build_object('from_stage', t.from_stage, 'to_stage', t.to_stage,
                                                     'transitioned_at', t.transitioned_at,
                                                     'trigger_type', t.trigger_type,
                                                     'trigger_event', t.trigger_event, 'sequence', t.sequence)
                              from journey_transitions t where t.relationship_id = r.id and t.sequence = a.entry))
                order by a.id), '[]')
          from journey_actions a
         where a.company_id = %(company)s and a.relationship_id = r.id and a.action_key = any(%(keys)s))
  from r join companies c on c.id = r.company_id
"""


async def load(pool: Pool, company_id: int, customer_id: str, keys: Sequence[str], at: datetime) -> Surroundings | None:
    """The actions with these keys and what they need, as of ``at``; None where there is no such journey."""
    parameters = {"company": company_id, "customer": customer_id, "keys": list(keys), "at": at}
    rows = await tenant_rows(pool, company_id, _LOAD, parameters)
    if not rows:
        return None
    *others, actions = rows[0]
    return Surroundings([ActionRow(**{**row, "move": row["move"] or {}}) for row in actions], *others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one try. ``status`` waiting has ``due_at``; ``detail`` is added to what is known."""

    status: str
    reason: str | None = None
    error: str | None = None
    channel: str | None = None
    marketing: bool = False
    due_at: datetime | None = None
    detail: Mapping[str, Any] | None = None


# What went out while it was cancelled has gone out all the same. The steps of a campaign are actions, and stand in the
# campaign's own row as well, for whoever reads it whole.
_FINISH = """
with a as (
    update journey_actions set status = %(status)s, reason = %(reason)s,
           last_error = coalesce(%(error)s, last_error), attempts = attempts + %(counted)s,
           channel = coalesce(%(channel)s, channel), marketing = marketing or %(marketing)s,
           due_at = coalesce(%(due_at)s::timestamptz, due_at), detail = detail || %(detail)s::jsonb,
           done_at = case when %(status)s = any(%(final)s) then %(at)s::timestamptz end, updated_at = now()
     where company_id = %(company)s and id = %(id)s
       and (status in ('pending', 'waiting') or (status = 'cancelled' and %(status)s = 'succeeded'))
    returning id, company_id, relationship_id, entry, action, attempts, due_at, done_at, detail
), tried as (
    insert into action_attempts (company_id, action_id, attempt, at, outcome, error)
    select company_id, id, attempts, %(at)s::timestamptz, %(outcome)s, coalesce(%(error)s, %(reason)s) from a
), planned as (
    select c.id,
           (select jsonb_agg(case when s ->> 'action' = a.action
                                  then s || jsonb_build_object('status', %(status)s::text, 'reason', %(reason)s::text,
                                       'due_at', a.due_at, 'done_at', a.done_at, 'code', a.detail -> 'code')
                                  else s end order by place)
              from jsonb_array_elements(c.scheduled_actions) with ordinality x(s, place)) as steps
      from retention_campaigns c join a on c.relationship_id = a.relationship_id and c.entry = a.entry
     where a.action like 'campaign\\_%%'
), campaign as (
    update retention_campaigns c set scheduled_actions = p.steps,
           status = case when c.status = 'running' and not p.steps @? %(open)s::jsonpath
                         then case %(status)s when 'cancelled' then 'cancelled' else 'completed' end
                         else c.status end,
           ended_at = case when c.status = 'running' and not p.steps @? %(open)s::jsonpath
                           then %(at)s::timestamptz else c.ended_at end
      from planned p where c.id = p.id
)
select id from a
"""


_OPEN_STEP = '$[*] ? (@.status == "pending" || @.status == "waiting")'


async def finish(pool: Pool, company_id: int, action_id: int, at: datetime, outcome: Outcome) -> bool:
    """Write what became of one try; False where somebody else has finished the action already."""
    return bool(await tenant_rows(pool, company_id, _FINISH, _finished(company_id, action_id, at, outcome)))


async def finish_on(connection: Connection, company_id: int, action_id: int, at: datetime, outcome: Outcome) -> None:
    """`finish` within a transaction in the company's scope."""
    await connection.execute(_FINISH, _finished(company_id, action_id, at, outcome))


def _finished(company_id: int, action_id: int, at: datetime, outcome: Outcome) -> dict[str, Any]:
    tried = outcome.status if outcome.error is None or outcome.status != "pending" else "error"
    return {
        "company": company_id,
        "id": action_id,
        "at": at,
        "status": outcome.status,
        "outcome": tried,
        # what was held back was not tried
        "counted": 0 if outcome.status in ("waiting", "suppressed", "cancelled") else 1,
        "reason": outcome.reason,
        "error": outcome.error,
        "channel": outcome.channel,
        "marketing": outcome.marketing,
        "due_at": outcome.due_at,
        "detail": orjson.dumps(dict(outcome.detail or {})).decode(),
        "final": list(FINAL),
        "open": _OPEN_STEP,
    }


async def status(pool: Pool, company_id: int, action_id: int) -> str:
    """An action's status of now."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select status from journey_actions where company_id = %s and id = %s",
        [company_id, action_id],
    )
    found: str = rows[0][0]
    return found


async def unfinished(pool: Pool, company_id: int, customer_id: str) -> dict[str, datetime | None]:
    """The keys of a journey's actions that are still to be done, with the times when they are due; a campaign's steps
    are its own."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select a.action_key, a.due_at from customers u"
        " join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id"
        " join journey_actions a on a.relationship_id = r.id"
        " where u.company_id = %s and u.external_id = %s and a.status in ('pending', 'waiting')"
        " and a.action not like 'campaign\\_%%' order by a.id",
        [company_id, customer_id],
    )
    return {row[0]: row[1] for row in rows}


async def remember(pool: Pool, company_id: int, action_id: int, detail: Mapping[str, Any]) -> None:
    """Add to what is known of an action."""
    await tenant_rows(
        pool,
        company_id,
        "update journey_actions set detail = detail || %s::jsonb where company_id = %s and id = %s returning id",
        [orjson.dumps(dict(detail)).decode(), company_id, action_id],
    )


async def claim(connection: Connection, company_id: int, row: ActionRow) -> int | None:
    """Lock an action that is still to be done: its relationship. None: it was done, or cancelled, before."""
    found = await connection.execute(
        "select relationship_id from journey_actions where company_id = %s and id = %s"
        " and status in ('pending', 'waiting') for update",
        [company_id, row.id],
    )
    claimed = await found.fetchone()
    return claimed[0] if claimed else None


async def put_later(connection: Connection, row: ActionRow, action: str, due_at: datetime) -> None:
    """Put another action of the same entry on record, for ``due_at``."""
    await connection.execute(
        "insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, due_at)"
        " select company_id, relationship_id, %s, %s, stage_key, entry, %s from journey_actions where id = %s"
        " on conflict (company_id, action_key) do nothing",
        [f"{row.action_key.removesuffix(row.action)}{action}", action, due_at, row.id],
    )
