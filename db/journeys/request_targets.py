"""What staff requests refer to: tasks, actions, contacts and staff members, as they are before a commit."""

from dataclasses import dataclass, field

from db.connections import Pool, tenant_rows
from journey.actions import CALL_TASKS, REQUESTED_CALL
from journey.time import Micros


@dataclass(slots=True)
class RequestTargets:
    """What staff requests refer to.

    Attributes:
        tasks: Status and kind of the tasks by id.
        actions: Status, name and due time (µs) of the actions by id.
        staff: Whether the staff members are active, by id.
        open_call: The id of an open task to call the customer; None if there is none.
        call_requested: An action that creates such a task is pending.
        contacts: When contacts were made (µs), by id.
    """

    tasks: dict[int, tuple[str, str]]
    actions: dict[int, tuple[str, str, Micros]]
    staff: dict[int, bool]
    open_call: int | None
    call_requested: bool
    contacts: dict[int, Micros] = field(default_factory=dict)


_REQUEST_TARGETS = """
with r as (
    select r.id, r.customer_id from customers u
      join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
     where u.company_id = %(company)s and u.external_id = %(customer)s
)
select (select json_agg(json_build_array(t.id, json_build_array(t.status, t.kind))) from tasks t, r
         where t.relationship_id = r.id and t.id = any(%(tasks)s::bigint[])),
       (select json_agg(json_build_array(a.id, json_build_array(
                   case when a.entry < 0 then 'of a merged customer' else a.status end, a.action,
                   (extract(epoch from a.due_at) * 1000000)::bigint))) from journey_actions a, r
         where a.relationship_id = r.id and a.id = any(%(actions)s::bigint[])),
       (select json_agg(json_build_array(s.id, s.is_active)) from staff s
         where s.company_id = %(company)s and s.id = any(%(staff)s::bigint[])),
       (select min(t.id) from tasks t, r
         where t.relationship_id = r.id and t.status = 'open' and t.kind = any(%(call_tasks)s)),
       exists (select from journey_actions a, r
                where a.relationship_id = r.id and a.status in ('pending', 'waiting')
                  and split_part(a.action, '.', 1) = %(requested_call)s and a.version <> %(own_version)s),
       (select json_agg(json_build_array(k.id, (extract(epoch from k.at) * 1000000)::bigint)) from contacts k, r
         where k.company_id = %(company)s and k.customer_id = r.customer_id and k.id = any(%(contacts)s::bigint[]))
"""


async def load_request_targets(
    pool: Pool,
    company_id: int,
    customer_id: str,
    *,
    tasks: list[int],
    actions: list[int],
    staff: list[int],
    contacts: list[int],
    own_version: int,
) -> RequestTargets:
    """Load these tasks, actions and contacts of one customer and these staff members; unknown ids are absent.

    Actions of ``own_version``, which an earlier attempt of the commit has written, do not count as requested calls.
    """
    parameters = {
        "company": company_id,
        "customer": customer_id,
        "tasks": tasks,
        "actions": actions,
        "staff": staff,
        "contacts": contacts,
        "own_version": own_version,
        "call_tasks": list(CALL_TASKS),
        "requested_call": REQUESTED_CALL,
    }
    rows = await tenant_rows(pool, company_id, _REQUEST_TARGETS, parameters)
    known_tasks, known_actions, known_staff, open_call, call_requested, known_contacts = rows[0]
    return RequestTargets(
        dict(known_tasks or ()),
        dict(known_actions or ()),
        dict(known_staff or ()),
        open_call,
        call_requested,
        dict(known_contacts or ()),
    )
