"""Contacts with customers: when the last one was, those that a person made, and who does not want any."""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import sql

from db.connections import Pool, tenant_rows, tenant_transaction
from db.people.audit_log import record
from db.sql_fragments import name_list
from journey.actions import CALL_TASKS

#: The last message that was sent to the customer of relationship `r`, the last contact that a person made, or the last
#: call task that was completed. The notification of the account manager is a message too, but not to the customer.
LAST_CONTACT = sql.SQL(
    "greatest((select max(m.done_at) from journey_actions m where m.relationship_id = r.id and m.status = 'succeeded'"
    " and m.channel not in ('task', 'webhook') and m.action <> 'notify_account_manager'),"
    " (select max(k.done_at) from tasks k where k.relationship_id = r.id and k.status = 'done' and k.kind in {calls}),"
    " (select max(k.at) from contacts k where k.company_id = r.company_id and k.customer_id = r.customer_id))"
).format(calls=sql.SQL(name_list(CALL_TASKS)))
_UNWANTED: LiteralString = (
    "from contacts k where k.company_id = r.company_id and k.customer_id = r.customer_id"
    " and k.outcome = 'do_not_contact' and k.lifted_at is null"
)
#: Of relationship `r`: whether the customer does not want to be contacted, and since when (null if they may be).
CONTACT_UNWANTED = sql.SQL(f"exists (select {_UNWANTED})")
CONTACT_UNWANTED_SINCE = sql.SQL(f"(select min(k.at) {_UNWANTED})")
#: Of a row `t` of contacts.
CONTACT_COLUMNS = sql.SQL(
    "t.id, t.at as contacted_at, t.channel, t.outcome, t.note, t.follow_up_at, t.event_id,"
    " coalesce(t.closed_tasks, '{}') as closed_tasks, t.lifted_at, t.performed_by,"
    " (select k.name from api_keys k where k.company_id = t.company_id and k.id = t.performed_by) as performed_by_name"
)
_FIND = sql.SQL(
    "select (select row_to_json(x) from (select {columns}) x)::text from contacts t"
    " join customers u on u.company_id = t.company_id and u.id = t.customer_id"
    " where t.company_id = %(company)s and u.external_id = %(customer)s"
    " and (t.id = %(id)s or t.command = %(command)s)"
).format(columns=CONTACT_COLUMNS)
_LIFT: LiteralString = (
    "update contacts k set lifted_at = now(), lifted_by = %(actor)s from customers u"
    " where u.company_id = %(company)s and u.external_id = %(customer)s and k.company_id = u.company_id"
    " and k.customer_id = u.id and k.outcome = 'do_not_contact' and k.lifted_at is null returning k.id"
)


async def find_contact(
    pool: Pool, company_id: int, customer_id: str, *, contact_id: int | None = None, command: str | None = None
) -> bytes | None:
    """Find one of a customer's contacts by its id or command, as JSON text; None if there is no such contact."""
    parameters = {"company": company_id, "customer": customer_id, "id": contact_id, "command": command}
    rows = await tenant_rows(pool, company_id, _FIND, parameters)
    return rows[0][0].encode() if rows else None


async def allow_contact(pool: Pool, company_id: int, customer_id: str, actor: str) -> bool:
    """Take back that a customer does not want to be contacted, and record it in the audit log.

    Returns:
        False if the customer was not marked.
    """
    async with tenant_transaction(pool, company_id) as connection:
        parameters: dict[str, Any] = {"company": company_id, "customer": customer_id, "actor": actor}
        lifted = await (await connection.execute(_LIFT, parameters)).fetchall()
        if not lifted:
            return False
        details = {"contacts": [row[0] for row in lifted]}
        await record(connection, company_id, actor, "contact.allow", f"customer/{customer_id}", details)
    return True
