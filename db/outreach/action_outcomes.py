"""Outcomes of actions: recording each attempt and its result.

A task, an assignment or a campaign is created in the transaction that records its action as done: exactly once, however
often the action is attempted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
import orjson

from db.connections import Connection, Pool, tenant_rows
from db.outreach.action_context import ActionContext
from journey.time import Micros

FINAL_STATUSES = ("succeeded", "failed", "suppressed", "cancelled")


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was sent, without the personal links in it: a row of ``sent_messages``.

    Attributes:
        allowed_by: A key of `journey.outreach.PERMISSIONS`.
    """

    message_id: str
    audience: Literal["customers", "staff"]
    allowed_by: str
    template: str
    address: str
    subject: str
    text: str
    html: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one attempt. ``detail`` is merged into the action's.

    Attributes:
        message: The message, if one was sent.
        due_at: When it is tried next. The status ``waiting`` needs it.
        waits_for: What a ``waiting`` action waits for.
        profile_until: Until when (µs) a change of the customer's profile leads to another attempt.
    """

    status: str
    reason: str | None = None
    error: str | None = None
    channel: str | None = None
    marketing: bool = False
    due_at: datetime | None = None
    detail: Mapping[str, Any] | None = None
    message: SentMessage | None = field(default=None, repr=False)
    waits_for: Literal["profile", "quiet_hours"] | None = None
    profile_until: Micros | None = None


# A message that was sent while its action was being cancelled has been sent all the same. The steps of a campaign are
# actions, and are copied to the campaign's own row.
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
                                       'due_at', a.due_at, 'done_at', a.done_at, 'code', a.detail -> 'code',
                                       'valid_until', a.detail -> 'valid_until')
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
), sent as (
    insert into sent_messages (company_id, action_id, message_id, audience, allowed_by, template, address, subject,
                               text, html)
    select a.company_id, a.id, m.message_id, m.audience, m.allowed_by, m.template, m.address, m.subject, m.text, m.html
      from a cross join jsonb_to_record(%(message)s::jsonb) as m(message_id text, audience text, allowed_by text,
                                        template text, address text, subject text, text text, html text)
     where %(message)s::jsonb is not null
)
select id from a
"""


_OPEN_STEP = '$[*] ? (@.status == "pending" || @.status == "waiting")'


async def finish(pool: Pool, context: ActionContext, outcome: Outcome) -> bool:
    """Record the result of one attempt. Returns False if another attempt has already finished the action."""
    return bool(await tenant_rows(pool, context.company_id, _FINISH, _finish_parameters(context, outcome)))


async def finish_in(connection: Connection, context: ActionContext, outcome: Outcome) -> None:
    """Like `finish`, within a transaction in the company's scope."""
    await connection.execute(_FINISH, _finish_parameters(context, outcome))


def _finish_parameters(context: ActionContext, outcome: Outcome) -> dict[str, Any]:
    attempt = outcome.status if outcome.error is None or outcome.status != "pending" else "error"
    waits = {"waits_for": outcome.waits_for, "profile_until": outcome.profile_until}
    detail = {**(outcome.detail or {}), **{name: value for name, value in waits.items() if value is not None}}
    return {
        "company": context.company_id,
        "id": context.action_id,
        "at": context.at,
        "status": outcome.status,
        "outcome": attempt,
        # a deferred message has not been attempted
        "counted": 0 if outcome.status in ("waiting", "suppressed", "cancelled") else 1,
        "reason": outcome.reason,
        "error": outcome.error,
        "channel": outcome.channel,
        "marketing": outcome.marketing,
        "due_at": outcome.due_at,
        "detail": orjson.dumps(detail).decode(),
        "message": outcome.message and msgspec.json.encode(outcome.message).decode(),
        "final": list(FINAL_STATUSES),
        "open": _OPEN_STEP,
    }


async def current_status(pool: Pool, context: ActionContext) -> str:
    """Return the action's status as of now."""
    rows = await tenant_rows(
        pool,
        context.company_id,
        "select status from journey_actions where company_id = %s and id = %s",
        [context.company_id, context.action_id],
    )
    status: str = rows[0][0]
    return status


async def unfinished_actions(pool: Pool, company_id: int, customer_id: str) -> dict[str, datetime | None]:
    """Return the keys of a journey's unfinished actions and when each is due, without the steps of campaigns.

    The action that started a running campaign is among them: attempted again, it leads to the campaign.
    """
    rows = await tenant_rows(
        pool,
        company_id,
        "select a.action_key, a.due_at from customers u"
        " join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id"
        " join journey_actions a on a.relationship_id = r.id"
        " where u.company_id = %s and u.external_id = %s and a.action not like 'campaign\\_%%'"
        " and (a.status in ('pending', 'waiting') or a.action = 'create_retention_campaign' and exists ("
        " select from retention_campaigns c where c.relationship_id = r.id and c.entry = a.entry"
        " and c.status = 'running')) order by a.id",
        [company_id, customer_id],
    )
    return {row[0]: row[1] for row in rows}


async def add_detail(pool: Pool, context: ActionContext, detail: Mapping[str, Any]) -> None:
    """Merge into an action's detail."""
    await tenant_rows(
        pool,
        context.company_id,
        "update journey_actions set detail = detail || %s::jsonb where company_id = %s and id = %s returning id",
        [orjson.dumps(dict(detail)).decode(), context.company_id, context.action_id],
    )


async def claim(connection: Connection, context: ActionContext) -> bool:
    """Lock an unfinished action. Returns False if it has already been done or cancelled."""
    claimed = await connection.execute(
        "select id from journey_actions where company_id = %s and id = %s and status in ('pending', 'waiting')"
        " for update",
        [context.company_id, context.action_id],
    )
    return await claimed.fetchone() is not None


async def schedule_action(connection: Connection, context: ActionContext, action: str, due_at: datetime) -> None:
    """Record another action of the same transition, due at ``due_at``."""
    await connection.execute(
        "insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, due_at)"
        " select company_id, relationship_id, %s, %s, stage_key, entry, %s from journey_actions where id = %s"
        " on conflict (company_id, action_key) do nothing",
        [f"{context.action_key.removesuffix(context.action)}{action}", action, due_at, context.action_id],
    )
