"""Pages of the messages that were sent about one customer, as they were sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.people.aliases import CUSTOMER_KEY
from db.sql_fragments import json_array

MAX_PAGE = 1_000_000  # bytes of texts, after which a page ends


@dataclass(frozen=True, slots=True)
class MessagePosition:
    """The position of a message in the list: when it was sent, as text, and its action."""

    sent_at: str
    action_id: int


# A message from before `sent_messages` existed has no row there.
_LIST = """
with u as materialized (
    select c.id, r.id as relationship_id from customers c
      left join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
     where c.company_id = %(company)s and c.id = {key}
), page as (
    select a.*,
           coalesce(sum(octet_length(m.text) + coalesce(octet_length(m.html), 0)) over (
               order by a.done_at desc, a.id desc rows between unbounded preceding and 1 preceding), 0) as before,
           m.id as message, m.message_id, m.audience, m.allowed_by, m.template, m.address, m.subject, m.text,
           m.html
      from u join journey_actions a on a.relationship_id = u.relationship_id
      left join sent_messages m on m.company_id = a.company_id and m.action_id = a.id
     where a.status = 'succeeded' and a.channel = any(%(channels)s) {beyond}
     order by a.done_at desc, a.id desc limit %(limit)s
)
select p.id is not null, case when p.before < %(longest)s then row_to_json(j)::text end, p.done_at::text, p.id
  from u left join page p on true cross join lateral (
       select p.id, p.action, p.done_at as sent_at, p.channel, p.marketing, p.performed_by,
              p.message is not null as kept, p.audience, p.address as "to", p.subject, p.text, p.html, p.template,
              p.message_id, p.allowed_by,
              case when p.detail ? 'code' then json_build_object(
                  'code', p.detail -> 'code', 'valid_until', p.detail -> 'valid_until') end as offer) j
 order by p.done_at desc, p.id desc
"""


async def list_messages(
    pool: Pool,
    company_id: int,
    customer_id: str,
    channels: Collection[str],
    limit: int,
    after: MessagePosition | None,
) -> tuple[bytes, MessagePosition | None] | None:
    """Return a page of messages about a customer, newest first.

    Args:
        pool: The pool of the application's role.
        company_id: The company.
        customer_id: The company's own id of the customer.
        channels: The channels that deliver messages.
        limit: The maximum number of messages. A page of long messages has fewer.
        after: The position of the last message of the previous page; None for the first page.

    Returns:
        The text of a JSON array and the position after which the next page starts; None if there is no such customer.
    """
    values: dict[str, Any] = {"company": company_id, "customer": customer_id, "limit": limit + 1}
    values |= {"channels": list(channels), "longest": MAX_PAGE}
    beyond = sql.SQL("")
    if after is not None:
        values |= {"at": after.sent_at, "id": after.action_id}
        beyond = sql.SQL("and (a.done_at, a.id) < (%(at)s::timestamptz, %(id)s::bigint)")
    rows = await tenant_rows(pool, company_id, sql.SQL(_LIST).format(key=sql.SQL(CUSTOMER_KEY), beyond=beyond), values)
    if not rows:
        return None
    messages = [(text, MessagePosition(at, action_id)) for exists, text, at, action_id in rows if exists]
    shown = [message for message in messages[:limit] if message[0] is not None]
    following = shown[-1][1] if len(shown) < len(messages) else None
    return json_array(text for text, _ in shown), following
