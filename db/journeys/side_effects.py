"""Side effects of a commit: due actions, campaigns that end, and staff requests (retried actions, updated tasks).

They are written by the same statement as the commit (see ``ledger``), as further CTEs; ``r`` is the journey's row.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from db.connections import Pool, tenant_rows
from journey.actions import ACTIONS, CALL_TASKS, REQUESTED_CALL
from journey.time import Micros

# A campaign belongs to one stay in a stage. The commit that ends the stay also ends the campaign and its steps.
SIDE_EFFECTS = """
, a as (
    insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, due_at, detail,
                                 performed_by, version)
    select %(company)s, r.id, %(key_prefix)s || x.action_ref, x.action, x.stage, x.transition_number, x.due_at,
           coalesce(x.detail, '{}'::jsonb), x.performed_by, %(version)s
      from r, jsonb_to_recordset(%(actions)s::jsonb)
           as x(action_ref text, action text, stage text, transition_number int, due_at timestamptz, detail jsonb,
                performed_by bigint)
     where x.action <> 'stage_changed'
        or exists (select from webhook_endpoints where company_id = %(company)s and is_active)
    on conflict (company_id, action_key) do nothing
    returning action_key
), retried as (
    update journey_actions set status = 'pending', reason = null, due_at = %(decided_at)s::timestamptz,
           updated_at = now()
      from r where relationship_id = r.id and journey_actions.id = any(%(retried_actions)s::bigint[])
       and status in ('failed', 'suppressed', 'pending')
    returning action_key
), cancelled as (
    update journey_actions set status = 'cancelled', reason = 'cancelled by staff',
           done_at = %(decided_at)s::timestamptz, updated_at = now()
      from r where relationship_id = r.id and journey_actions.id = any(%(cancelled_actions)s::bigint[])
       and status in ('pending', 'waiting')
), undone as (
    update journey_actions set status = 'cancelled', reason = 'the customer no longer belongs in this stage',
           done_at = %(decided_at)s::timestamptz, updated_at = now()
      from r where relationship_id = r.id and stage_key = any(%(undone)s::text[]) and status in ('pending', 'waiting')
       and split_part(action, '.', 1) = any(%(stage_actions)s::text[]) and journey_actions.version < %(version)s
), recheckable as (
    -- Besides those that wait for the profile: those that were suppressed because of it a short time ago, and those
    -- being tried now, perhaps with the old profile. Its own workflow tries a campaign's step again.
    select a.id from journey_actions a, r
     where %(profile_changed)s and a.relationship_id = r.id
       and (a.status = 'waiting' and a.detail ->> 'waits_for' = 'profile' and a.action not like 'campaign\\_%%'
            or a.status = 'suppressed' and (a.detail ->> 'profile_until')::bigint
                                           > extract(epoch from %(decided_at)s::timestamptz) * 1000000
            or a.status = 'pending' and a.due_at <= %(decided_at)s::timestamptz
               and (a.action not like 'campaign\\_%%' or (a.detail ->> 'recheck')::int = %(version)s))
), rechecked as (
    update journey_actions a set status = 'pending', reason = null, due_at = %(decided_at)s::timestamptz,
           detail = a.detail || jsonb_build_object('recheck', %(version)s::int), updated_at = now()
      from recheckable where a.id = recheckable.id
    returning a.action_key
), updated_tasks as (
    update tasks set status = coalesce(x.status, tasks.status),
           done_at = case x.status when 'done' then coalesce(tasks.done_at, %(decided_at)s::timestamptz)
                                   when 'cancelled' then %(decided_at)s::timestamptz
                                   when 'open' then null else tasks.done_at end,
           done_by = case x.status when 'done' then coalesce(tasks.done_by, x.by)
                                   when 'open' then null else tasks.done_by end,
           closed_reason = case x.status when 'cancelled' then 'the customer came back'
                                         when 'open' then null else tasks.closed_reason end,
           assigned_to = case when x.assign then x.staff_id else tasks.assigned_to end,
           due_at = coalesce(x.due_at, tasks.due_at),
           note = coalesce(x.note, tasks.note)
      from (select t.id, coalesce(x.status, case when c.closed then 'cancelled' end) as status, x.by, x.assign,
                   x.staff_id, x.due_at, x.note
              from r join tasks t on t.relationship_id = r.id
              cross join lateral (select %(came_back)s and t.status = 'open'
                                         and t.kind = any(%(call_tasks)s) as closed) c
              left join jsonb_to_recordset(%(task_updates)s::jsonb)
                     as x(id bigint, status text, by bigint, assign boolean, staff_id bigint, due_at timestamptz,
                          note text) on x.id = t.id
             where c.closed or x.id is not null) x
     where tasks.id = x.id
), added_comments as (
    insert into task_comments (company_id, task_id, command, text, at, performed_by)
    select %(company)s, tasks.id, x.command, x.text, %(decided_at)s::timestamptz, x.by
      from r join tasks on tasks.relationship_id = r.id
      join jsonb_to_recordset(%(task_comments)s::jsonb) as x(task_id bigint, command text, text text, by bigint)
        on x.task_id = tasks.id
    on conflict (task_id, command) do nothing
), answered as (
    update tasks set status = 'done', done_at = %(decided_at)s::timestamptz,
           closed_reason = 'the appointment has an outcome or another time'
      from r where tasks.relationship_id = r.id and tasks.status = 'open'
       and split_part(tasks.action_key, ':ask_attendance.', 2) = any(%(answered)s::text[])
), ended_campaigns as (
    update retention_campaigns set status = 'cancelled', ended_at = %(decided_at)s::timestamptz,
           scheduled_actions = (
               select jsonb_agg(case when s ->> 'status' in ('pending', 'waiting')
                                     then s || '{"status": "cancelled", "reason": "left the stage"}' else s end)
                 from jsonb_array_elements(scheduled_actions) s)
      from r where relationship_id = r.id and status = 'running' and entry < %(transition_number)s
), cancelled_steps as (
    update journey_actions set status = 'cancelled', reason = 'left the stage',
           done_at = %(decided_at)s::timestamptz, updated_at = now()
      from r where relationship_id = r.id and journey_actions.entry < %(transition_number)s
       and action like 'campaign\\_%%' and status in ('pending', 'waiting')
)
select r.id, (select json_agg(action_key) from (select action_key from a union all select action_key from retried
                                               union all select action_key from rechecked) k)
  from r
"""


@dataclass(slots=True)
class SideEffects:
    """The side effects of one commit.

    Attributes:
        actions: New actions: ``{action_ref, action, stage, transition_number, due_at, detail?, performed_by?}``.
        retried_actions: The ids of the actions to retry.
        task_updates: Changes of tasks by their ids: ``{status?, by?, assign?, staff_id?, due_at?, note?}``.
        task_comments: Comments on tasks: ``{task_id, command, text, by}``.
        ends_campaigns: A stage was left in which a campaign may be running.
        cancelled_actions: The ids of the actions to cancel.
        came_back: The customer visited while in an inactivity stage; open call tasks are closed.
        profile_changed: Actions that wait for the customer's profile are tried again.
        answered: Which questions about attendance are answered: the last parts of their action names.
        undone: The stages whose actions are cancelled, because an event was retracted.
    """

    actions: list[dict[str, Any]]
    retried_actions: list[int]
    task_updates: dict[int, dict[str, Any]] = field(default_factory=dict)
    task_comments: list[dict[str, Any]] = field(default_factory=list)
    ends_campaigns: bool = False
    cancelled_actions: list[int] = field(default_factory=list)
    came_back: bool = False
    profile_changed: bool = False
    answered: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def update_task(self, task_id: int, **changes: Any) -> None:
        """Add changes of a task; later ones replace earlier ones, because a statement updates each row once."""
        self.task_updates.setdefault(task_id, {}).update(changes)

    def __bool__(self) -> bool:
        return bool(
            self.actions
            or self.retried_actions
            or self.cancelled_actions
            or self.task_updates
            or self.ends_campaigns
            or self.came_back
            or self.profile_changed
            or self.answered
            or self.undone
        )

    def parameters(self, key_prefix: str, transition_number: int) -> dict[str, Any]:
        """Return the parameters of SIDE_EFFECTS.

        Args:
            key_prefix: The prefix of the keys of the journey's actions.
            transition_number: The journey's last transition.
        """
        return {
            "key_prefix": key_prefix,
            "actions": orjson.dumps(self.actions).decode(),
            "retried_actions": self.retried_actions,
            "cancelled_actions": self.cancelled_actions,
            "came_back": self.came_back,
            "call_tasks": list(CALL_TASKS),
            "task_updates": orjson.dumps([{"id": key, **row} for key, row in self.task_updates.items()]).decode(),
            "task_comments": orjson.dumps(self.task_comments).decode(),
            "profile_changed": self.profile_changed,
            "transition_number": transition_number,
            "answered": self.answered,
            "undone": self.undone,
            "stage_actions": list(ACTIONS),
        }


@dataclass(slots=True)
class RequestTargets:
    """What staff requests refer to.

    Attributes:
        tasks: Status and kind of the tasks by id.
        actions: Status, name and due time (µs) of the actions by id.
        staff: Whether the staff members are active, by id.
        open_call: The id of an open task to call the customer; None if there is none.
        call_requested: An action that creates such a task is pending.
    """

    tasks: dict[int, tuple[str, str]]
    actions: dict[int, tuple[str, str, Micros]]
    staff: dict[int, bool]
    open_call: int | None
    call_requested: bool


_REQUEST_TARGETS = """
with r as (
    select r.id from customers u join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
     where u.company_id = %(company)s and u.external_id = %(customer)s
)
select (select json_agg(json_build_array(t.id, json_build_array(t.status, t.kind))) from tasks t, r
         where t.relationship_id = r.id and t.id = any(%(tasks)s::bigint[])),
       (select json_agg(json_build_array(a.id, json_build_array(
                   a.status, a.action, (extract(epoch from a.due_at) * 1000000)::bigint))) from journey_actions a, r
         where a.relationship_id = r.id and a.id = any(%(actions)s::bigint[])),
       (select json_agg(json_build_array(s.id, s.is_active)) from staff s
         where s.company_id = %(company)s and s.id = any(%(staff)s::bigint[])),
       (select min(t.id) from tasks t, r
         where t.relationship_id = r.id and t.status = 'open' and t.kind = any(%(call_tasks)s)),
       exists (select from journey_actions a, r
                where a.relationship_id = r.id and a.status in ('pending', 'waiting')
                  and split_part(a.action, '.', 1) = %(requested_call)s and a.version <> %(own_version)s)
"""


async def load_request_targets(
    pool: Pool,
    company_id: int,
    customer_id: str,
    *,
    tasks: list[int],
    actions: list[int],
    staff: list[int],
    own_version: int,
) -> RequestTargets:
    """Load these tasks and actions of one customer and these staff members; unknown ids are absent.

    Actions of ``own_version``, which an earlier attempt of the commit has written, do not count as requested calls.
    """
    parameters = {
        "company": company_id,
        "customer": customer_id,
        "tasks": tasks,
        "actions": actions,
        "staff": staff,
        "own_version": own_version,
        "call_tasks": list(CALL_TASKS),
        "requested_call": REQUESTED_CALL,
    }
    rows = await tenant_rows(pool, company_id, _REQUEST_TARGETS, parameters)
    known_tasks, known_actions, known_staff, open_call, call_requested = rows[0]
    return RequestTargets(
        dict(known_tasks or ()), dict(known_actions or ()), dict(known_staff or ()), open_call, call_requested
    )
