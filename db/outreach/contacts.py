"""When a company last contacted a customer."""

from __future__ import annotations

from psycopg import sql

from db.sql_fragments import name_list
from journey.actions import CALL_TASKS

#: The last message that was sent to the customer of relationship `r`, or the last call task that was completed. The
#: notification of the account manager is a message too, but not to the customer.
LAST_CONTACT = sql.SQL(
    "greatest((select max(m.done_at) from journey_actions m where m.relationship_id = r.id and m.status = 'succeeded'"
    " and m.channel not in ('task', 'webhook') and m.action <> 'notify_account_manager'),"
    " (select max(k.done_at) from tasks k where k.relationship_id = r.id and k.status = 'done' and k.kind in {calls}))"
).format(calls=sql.SQL(name_list(CALL_TASKS)))
