"""Everything that is needed to execute actions of one customer, read in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.outreach.contacts import CONTACT_UNWANTED
from db.people.consent_withdrawals import WITHDRAWALS, unsubscribed_channels
from db.people.phone_numbers import E164_OF_U
from journey.actions import action_key, parse_action_ref
from journey.outreach import Outreach, Profile, outreach_from
from journey.time import Micros, to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """One action with its customer, company and journey, as of ``now``.

    Attributes:
        now: Workflow time in µs.
        marketing_sent: When marketing messages were delivered to the customer in the last 60 days, in µs. Shared by
            the actions that are executed together, so that one counts for the next.
        unsubscribed: Channels from which the customer, or another one with the same address, has unsubscribed.
        action_ref: ``{transition_number}:{action}``, the action's name within its journey.
        action: Name with its step, like ``send_onboarding_sequence.2``.
        name: Name without the step.
        step: The step, ``"1"`` for the first or only one.
        stage: The stage whose entry caused the action.
        transition_number: The transition that caused the action.
        transition: That transition as JSON; empty if there is none.
        detail: Results of earlier attempts, and the ``note`` of a staff request.
        current_stage: The journey's stage as of now.
        current_transition_number: The journey's last transition.
        rules_version: The version of the rules that decided it.
        journey_facts: Stage, value and dates of the journey as JSON, for webhooks.
        booked_times: Booked times of the customer's open appointments in µs, ascending, passed ones too.
        do_not_contact: The customer does not want to be contacted.
    """

    now: Micros
    company_id: int
    company_name: str
    outreach: Outreach
    customer_id: str
    profile: Profile
    marketing_sent: list[Micros]
    unsubscribed: frozenset[str] = frozenset()
    action_id: int
    action_key: str
    action_ref: str
    action: str
    name: str
    step: str
    stage: str
    transition_number: int
    transition: dict[str, Any]
    status: str
    detail: dict[str, Any]
    relationship_id: int
    current_stage: str
    current_transition_number: int
    rules_version: int
    journey_facts: dict[str, Any]
    booked_times: Sequence[Micros] = ()
    do_not_contact: bool = False

    @property
    def at(self) -> datetime:
        return to_datetime(self.now)


_LOAD = sql.SQL("""
with r as (
    select r.*, u.name, u.email, u.phone, {e164} as phone_e164, u.time_zone, u.locale, u.consent
      from customers u join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
     where u.company_id = %(company)s and u.external_id = %(customer)s
)
select json_build_object('relationship_id', r.id, 'current_stage', r.current_stage, 'do_not_contact', {unwanted},
                         'current_transition_number', (r.state ->> 'k')::int, 'rules_version', r.rules_version,
                         'booked_times', (select coalesce(json_agg((extract(epoch from booked) * 1000000)::bigint
                                                                   order by booked), '[]')
                                            from unnest(r.booked_times) booked)),
       json_build_object('name', r.name, 'email', r.email,
                         'phone', coalesce(r.phone_e164, r.phone), 'time_zone', r.time_zone,
                         'locale', r.locale, 'consent', r.consent),
       c.name, c.settings -> 'outreach',
       json_build_object('stage', r.current_stage, 'stage_entered_at', r.stage_entered_at,
                         'lifetime_value', r.lifetime_value::text, 'total_appointments', r.total_appointments,
                         'last_appointment_at', r.last_appointment_at, 'risk_score', r.risk_score),
       (select coalesce(json_agg((extract(epoch from m.done_at) * 1000000)::bigint), '[]') from journey_actions m
         where m.relationship_id = r.id and m.marketing and m.status = 'succeeded'
           and m.done_at > %(at)s::timestamptz - interval '60 days'),
       r.phone, {withdrawals},
       (select coalesce(json_agg(json_build_object(
                   'action_id', a.id, 'action_key', a.action_key, 'action', a.action, 'stage', a.stage_key,
                   'transition_number', a.entry, 'status', a.status, 'detail', a.detail,
                   'transition', (select json_build_object('from_stage', t.from_stage, 'to_stage', t.to_stage,
                                                           'transitioned_at', t.transitioned_at,
                                                           'trigger_type', t.trigger_type,
                                                           'trigger_event', t.trigger_event, 'sequence', t.sequence)
                                    from journey_transitions t
                                   where t.relationship_id = r.id and t.sequence = a.entry))
                order by a.id), '[]')
          from journey_actions a
         where a.company_id = %(company)s and a.relationship_id = r.id and a.action_key = any(%(keys)s))
  from r join companies c on c.id = r.company_id
""").format(withdrawals=WITHDRAWALS, e164=E164_OF_U, unwanted=CONTACT_UNWANTED)


async def load_action_contexts(
    pool: Pool, company_id: int, customer_id: str, action_refs: Sequence[str], now: Micros
) -> list[ActionContext]:
    """Load actions of one customer by their ``action_refs``, in the order in which they were recorded.

    Unknown references are left out. Raises InvalidOutreach if the company's saved settings are invalid.
    """
    refs = {action_key(company_id, customer_id, ref): ref for ref in action_refs}
    shared, actions = await _load(pool, company_id, customer_id, list(refs), now)
    return [_context(shared, action, refs[action["action_key"]]) for action in actions]


async def draft_action_context(
    pool: Pool, company_id: int, customer_id: str, action: str, now: Micros
) -> ActionContext | None:
    """Return the context that an action would have if it were requested now; None without such a journey."""
    shared, _ = await _load(pool, company_id, customer_id, [], now)
    if not shared:
        return None
    ref = f"{shared['current_transition_number']}:{action}"
    draft = {
        "action_id": 0,
        "action_key": action_key(company_id, customer_id, ref),
        "action": action,
        "stage": shared["current_stage"],
        "transition_number": shared["current_transition_number"],
        "transition": None,
        "status": "pending",
        "detail": {},
    }
    return _context(shared, draft, ref)


async def _load(
    pool: Pool, company_id: int, customer_id: str, keys: list[str], now: Micros
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Load what the contexts of a customer's actions share, and these actions; nothing without such a journey."""
    parameters = {"company": company_id, "customer": customer_id, "keys": keys, "at": to_datetime(now)}
    rows = await tenant_rows(pool, company_id, _LOAD, parameters)
    if not rows:
        return {}, []
    journey, profile, company_name, outreach, facts, marketing_sent, phone, withdrawals, actions = rows[0]
    shared = {
        **journey,
        "now": now,
        "company_id": company_id,
        "company_name": company_name,
        "outreach": outreach_from(outreach),
        "customer_id": customer_id,
        "profile": Profile(**profile),
        "marketing_sent": marketing_sent,
        "unsubscribed": unsubscribed_channels((profile["email"], profile["phone"], phone), withdrawals),
        "journey_facts": facts,
    }
    return shared, actions


def _context(shared: dict[str, Any], action: dict[str, Any], action_ref: str) -> ActionContext:
    _, name, step = parse_action_ref(action_ref)
    transition = action.pop("transition") or {}
    return ActionContext(**shared, **action, action_ref=action_ref, name=name, step=step, transition=transition)
