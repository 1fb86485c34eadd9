"""Side effects of a commit: due actions, campaigns that end, and staff requests (retried actions, updated tasks).

They are written by the same statement as the commit (see ``ledger``), as further CTEs; ``r`` is the journey's row.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from journey.actions import ACTIONS, CALL_TASKS, FOLLOW_UP_CALL

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
      from r where relationship_id = r.id and status in ('pending', 'waiting')
       and (journey_actions.id = any(%(cancelled_actions)s::bigint[])
            or action_key in (select %(key_prefix)s || k.follow_up from contacts k
                               where k.customer_id = r.customer_id and k.id = any(%(removed_contacts)s::bigint[])))
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
), recorded as (
    select x.*, k.closed from r cross join jsonb_to_recordset(%(contacts)s::jsonb)
             as x(command text, channel text, outcome text, note text, follow_up_at timestamptz, follow_up text,
                  event_id text, by bigint, closes_follow_ups boolean)
      left join lateral (
          select array_agg(t.id order by t.id) as closed from tasks t
           where t.relationship_id = r.id and t.status = 'open' and t.kind = any(%(call_tasks)s)
             -- a later call that was agreed on stands, unless there is a new next step
             and (x.closes_follow_ups or t.kind <> %(follow_up_call)s
                  or t.due_at <= %(decided_at)s::timestamptz + interval '1 day')) k on true
), added_contacts as (
    insert into contacts (company_id, customer_id, command, channel, outcome, note, at, follow_up_at, follow_up,
                          event_id, closed_tasks, performed_by)
    select %(company)s, r.customer_id, x.command, x.channel, x.outcome, x.note, %(decided_at)s::timestamptz,
           x.follow_up_at, x.follow_up, x.event_id, x.closed, x.by
      from r, recorded x
    on conflict (customer_id, command) do nothing
), mistaken as (
    select k.* from r join contacts k on k.customer_id = r.customer_id
     where k.company_id = %(company)s and k.id = any(%(removed_contacts)s::bigint[])
), removed_contacts as (
    delete from contacts using mistaken where contacts.id = mistaken.id
), updated_tasks as (
    update tasks set status = coalesce(x.status, tasks.status),
           done_at = case x.status when 'done' then coalesce(tasks.done_at, %(decided_at)s::timestamptz)
                                   when 'cancelled' then %(decided_at)s::timestamptz
                                   when 'open' then null else tasks.done_at end,
           done_by = case x.status when 'done' then coalesce(tasks.done_by, x.by)
                                   when 'open' then null else tasks.done_by end,
           closed_reason = case x.status when 'cancelled' then x.closed_reason
                                         when 'open' then null else tasks.closed_reason end,
           assigned_to = case when x.assign then x.staff_id else tasks.assigned_to end,
           due_at = coalesce(x.due_at, tasks.due_at),
           note = coalesce(tasks.note, x.note)
      from (select t.id, coalesce(x.status, c.status) as status, coalesce(x.by, c.by) as by, c.closed_reason,
                   x.assign, x.staff_id, x.due_at, x.note
              from r join tasks t on t.relationship_id = r.id
              left join lateral (
                  select 'done' as status, k.by, null as closed_reason from recorded k where t.id = any(k.closed)
                  union all
                  select 'open', null, null from mistaken k
                   where t.status = 'done' and t.done_at = k.at and t.id = any(k.closed_tasks)
                  union all
                  select 'cancelled', null, 'the contact was removed' from mistaken k
                   where t.status = 'open' and t.action_key = %(key_prefix)s || k.follow_up
                  union all
                  select 'cancelled', null, 'the customer came back'
                   where %(came_back)s and t.status = 'open' and t.kind = any(%(call_tasks)s)
                  limit 1) c on true
              left join jsonb_to_recordset(%(task_updates)s::jsonb)
                     as x(id bigint, status text, by bigint, assign boolean, staff_id bigint, due_at timestamptz,
                          note text) on x.id = t.id
             where c.status is not null or x.id is not null) x
     where tasks.id = x.id
), added_comments as (
    insert into task_comments (company_id, task_id, command, text, at, performed_by)
    select %(company)s, tasks.id, x.command, x.text, %(decided_at)s::timestamptz, x.by
      from r join tasks on tasks.relationship_id = r.id
      join (select task_id, command, text, by, beside_note
              from jsonb_to_recordset(%(task_comments)s::jsonb)
                   as x(task_id bigint, command text, text text, by bigint, beside_note boolean)
            union all
            select unnest(closed), command, note, by, false from recorded where note is not null) x
        on x.task_id = tasks.id
     where x.beside_note is not true
        or tasks.note <> x.text and not exists (select from task_comments c
                                                 where c.task_id = tasks.id and c.text = x.text)
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
        task_comments: Comments on tasks: ``{task_id, command, text, by, beside_note?}``; one ``beside_note`` is a
            task's note that is added as a comment if the task has another note.
        ends_campaigns: A stage was left in which a campaign may be running.
        cancelled_actions: The ids of the actions to cancel.
        came_back: The customer visited while in an inactivity stage; open call tasks are closed.
        profile_changed: Actions that wait for the customer's profile are tried again.
        answered: Which questions about attendance are answered: the last parts of their action names.
        undone: The stages whose actions are cancelled, because an event was retracted.
        contacts: New contacts: ``{command, channel, outcome, note, follow_up_at, follow_up?, event_id, by,
            closes_follow_ups}``.
        removed_contacts: The ids of the contacts to remove.
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
    contacts: list[dict[str, Any]] = field(default_factory=list)
    removed_contacts: list[int] = field(default_factory=list)

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
            or self.contacts
            or self.removed_contacts
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
            "contacts": orjson.dumps(self.contacts).decode(),
            "removed_contacts": self.removed_contacts,
            "follow_up_call": FOLLOW_UP_CALL,
        }
