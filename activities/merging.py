"""Merge two customers who are one person: plan it, and write it in one transaction.

Postgres decides. The workflows of both journeys learn of it with their next commits: one adopts the merged row, the
other hands on the events that still reach it, and ends.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.channels.registry import CHANNELS
from activities.commit_parameters import guard, projection, transition_row
from activities.heartbeats import heartbeats
from activities.message_batch import MessageBatch
from activities.retracted_events import contribution_json
from activities.side_effects import side_effects
from activities.staff_requests import CommandDecisions
from contracts import names
from contracts.journey_client import journey_handle, request_evaluation
from contracts.requests import CommitRequest, MergeRequest, MergeResult
from db.connections import Connection, Pool, tenant_transaction
from db.journeys import ledger
from db.journeys.ledger_history import appointment_parameters
from db.journeys.ledger_snapshot import ProjectionRow
from db.journeys.rulebooks import RulebookCache
from db.people import aliases, audit_log, merge_writes, merges
from db.people.merge_writes import MergeRecord
from db.people.merges import Merging
from journey.actions import CALL_TASKS, action_key
from journey.merging import MERGED, RECORD_TYPE, MergedJourneys, MergedProfile, merge_journeys, merge_profiles
from journey.refold import manual_moves
from journey.stages import Rulebook
from journey.state import State, pack, unpack
from journey.time import Micros, to_datetime, to_micros, utc_text

Refusal = tuple[str, str]
#: What the ledger's record of a merge has of its summary.
_RECORDED = (
    "profile",
    "consent",
    "events",
    "tasks",
    "tasks_cancelled",
    "actions_cancelled",
    "campaign_ended",
    "stages",
)


@dataclass(slots=True)
class MergePlan:
    """What a merge of `other` into `into` will do. ``journeys`` is None unless both have a journey."""

    other: Merging
    into: Merging
    profile: MergedProfile
    state: State | None
    journeys: MergedJourneys | None
    cancelled_tasks: list[int]

    def summary(self) -> MergeResult:
        both = self.journeys is not None
        after = self.journeys.decision.state.stage if self.journeys is not None else None
        before = {"customer_id": _stage(self.other), "into": _stage(self.into)}
        return {
            "customer_id": self.other.customer_id,
            "into": self.into.customer_id,
            "profile": self.profile.taken,
            "consent": self.profile.consent,
            "events": self.other.events,
            "tasks": len(self.other.open_tasks) - len(self.cancelled_tasks),
            "tasks_cancelled": len(self.cancelled_tasks),
            "actions_cancelled": self.other.open_actions if both else 0,
            "campaign_ended": self.other.has_campaign,
            "stages": {**before, "after": after or before["into"] or before["customer_id"]},
        }


async def plan_merge(
    connection: Connection, company_id: int, customer_id: str, into: str, rulebook: Rulebook, now: Micros
) -> MergePlan | Refusal:
    """Decide what a merge does, or why it is refused.

    Args:
        connection: A transaction in the company's scope.
        company_id: The company.
        customer_id: The customer whose id becomes an alias.
        into: The customer who remains; an alias of theirs will do.
        rulebook: The company's rules.
        now: The time of the merge.
    """
    found = await merges.load(connection, company_id, [customer_id, into])
    if (other := found.get(customer_id)) is None:
        return "not_found", f"there is no customer {customer_id}"
    if other.root is not None:
        return "conflict", f"customer {customer_id} has been merged into customer {other.root} already"
    target = found.get(into)
    if target is not None and target.root is not None:
        target = (await merges.load(connection, company_id, [target.root])).get(target.root)
    if target is None:
        return "not_found", f"into: there is no customer {into}"
    if target.key == other.key:
        return "conflict", f"into: {into} and {customer_id} are the same customer already"
    profile = merge_profiles(target.profile, other.profile, [channel.spec for channel in CHANNELS.values()])
    if target.state is None or other.state is None:
        return MergePlan(other, target, profile, None, None, [])
    state, ended = unpack(target.state), unpack(other.state)
    manual = [
        *manual_moves(await merges.stages_set(connection, company_id, target), state),
        *manual_moves(await merges.stages_set(connection, company_id, other), ended),
    ]
    events = await merges.applied_events(connection, company_id, target)
    other_events = await merges.applied_events(connection, company_id, other)
    journeys = merge_journeys(state, events, ended, other_events, manual, rulebook, now)
    has_call = any(kind in CALL_TASKS for kind in target.open_tasks.values())
    cancelled = [id_ for id_, kind in other.open_tasks.items() if has_call and kind in CALL_TASKS]
    return MergePlan(other, target, profile, state, journeys, cancelled)


class MergeActivities:
    """The activities of ``MergeCustomers``: the pool of the application's role, and a client of Temporal."""

    def __init__(self, pool: Pool, client: Client) -> None:
        self._pool, self._client = pool, client
        self._rulebooks = RulebookCache()

    @activity.defn(name=names.MERGE)
    async def merge_customers(self, request: MergeRequest) -> MergeResult:
        """Merge two customers, once however often this is attempted.

        Raises:
            psycopg.OperationalError: Postgres does not answer; to be retried without limit.
            ApplicationError: ``Overtaken`` by a change of rules; to be retried.
        """
        async with heartbeats():
            info = activity.info()
            now = to_micros(datetime.now(UTC))
            return await self._merge(request, info.workflow_run_id or "", now, is_first=info.attempt == 1)

    async def _merge(self, request: MergeRequest, run_id: str, now: Micros, *, is_first: bool) -> MergeResult:
        company_id, customer_id = request["company_id"], request["customer_id"]
        into = await aliases.resolve(self._pool, company_id, request["into"])
        async with tenant_transaction(self._pool, company_id) as connection:
            # An earlier attempt may still hold the locks.
            if not await merges.lock(connection, company_id, [customer_id, into], wait=not is_first):
                return {"refused": ("conflict", f"another merge of customer {customer_id} or {into} is running")}
            known = (await merges.load(connection, company_id, [customer_id])).get(customer_id)
            if known is not None and known.root is not None and known.merge_run == run_id:
                return await _earlier_result(connection, company_id, known.root, run_id)
            rulebook = await self._rulebooks.load(connection, company_id)
            plan = await plan_merge(connection, company_id, customer_id, into, rulebook, now)
            if isinstance(plan, tuple):
                return {"refused": plan}
            if plan.into.customer_id != into:
                raise ApplicationError("the customer was merged meanwhile; will be retried", type="Overtaken")
            await _write(connection, request, plan, rulebook, run_id, now)
            return plan.summary()

    @activity.defn(name=names.ANNOUNCE_MERGE)
    async def announce_merge(self, request: MergeRequest) -> None:
        """Let both workflows look at Postgres: one adopts its row, the other ends.

        Raises:
            RPCError: Temporal did not store a request; to be retried.
        """
        company_id = request["company_id"]
        try:
            await journey_handle(self._client, company_id, request["customer_id"]).signal(names.EVALUATE_SIGNAL)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:  # its workflow does not run
                raise
        async with tenant_transaction(self._pool, company_id) as connection:
            found = await merges.load(connection, company_id, [request["into"]])
        if request["into"] in found and found[request["into"]].relationship_id is not None:
            await request_evaluation(self._client, company_id, request["into"])


async def _earlier_result(connection: Connection, company_id: int, root: str, run_id: str) -> MergeResult:
    """Return what an earlier attempt has answered, from the ledger's record."""
    recorded = await merges.find_record(connection, company_id, _record_id(run_id))
    result: MergeResult = {name: recorded[name] for name in _RECORDED if name in recorded}  # type: ignore[assignment]
    return {**result, "customer_id": recorded["merged"], "into": root}


async def _write(
    connection: Connection, request: MergeRequest, plan: MergePlan, rulebook: Rulebook, run_id: str, now: Micros
) -> None:
    company_id, other, into = request["company_id"], plan.other, plan.into
    values: dict[str, Any] = {
        "company": company_id,
        "into": into.key,
        "other": other.key,
        "relationship": into.relationship_id,
        "other_relationship": other.relationship_id,
        "now": to_datetime(now),
        "run": run_id,
        "trigger": MERGED,
        "reason": merge_writes.REASON,
        "cancelled_tasks": plan.cancelled_tasks,
        "old_prefix": action_key(company_id, other.customer_id, ""),
        "new_prefix": action_key(company_id, into.customer_id, ""),
    }
    version, contributions = 0, None
    if plan.journeys is not None:
        await merge_writes.end_journey(connection, values)
        version = await _write_journey(connection, request, plan, rulebook, now)
        contributions = [contribution_json(each) for each in plan.journeys.contributions] or None
    elif other.relationship_id is not None:
        await merge_writes.hand_over_journey(connection, values)
        version = other.version + 2
    elif into.relationship_id is not None:
        version = into.version
    summary = plan.summary()
    payload = {
        "id": _record_id(run_id),
        "type": RECORD_TYPE,
        "customer_id": into.customer_id,
        "occurred_at": utc_text(now),
        "merged": other.customer_id,
        **{name: summary[name] for name in _RECORDED},  # type: ignore[literal-required]
    }
    digest = hashlib.blake2b(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    record = MergeRecord(payload["id"], digest, payload, version, rulebook.version, contributions)
    await merge_writes.make_alias(connection, values, plan.profile.fields["consent"], record)
    subject, details = f"customer/{into.customer_id}", {"merged": other.customer_id, "events": other.events}
    await audit_log.record(connection, company_id, request["actor"], "customers.merge", subject, details)


async def _write_journey(
    connection: Connection, request: MergeRequest, plan: MergePlan, rulebook: Rulebook, now: Micros
) -> int:
    """Write the merged journey as a commit that no workflow has made, which its workflow will adopt."""
    assert plan.journeys is not None
    assert plan.state is not None
    company_id, into, decision = request["company_id"], plan.into, plan.journeys.decision
    new = decision.state
    # Never one version ahead: the workflow would take the row for that of its own commit, whose result was lost.
    new.version = into.version + 2
    as_commit: CommitRequest = {
        "company_id": company_id,
        "customer_id": into.customer_id,
        "run_id": into.run_id,
        "now": now,
        "state": None,
        "messages": [],
    }
    assert into.state is not None
    effects = side_effects(MessageBatch(), CommandDecisions(), plan.state, decision, rulebook, now)
    row = ProjectionRow(into.version, into.run_id, into.decided_at, into.state)
    values = {
        **guard(as_commit, row),
        **projection(new, pack(new), rulebook.medians),
        "batch": None,
        "new_ids": [],
        **appointment_parameters([]),
        "unretracted": [],
        "retracted": "{}",
        "retractions": "[]",
        "run_id": into.run_id,
        "received_at": None,
        "entries": "[]",
        "rules_version": rulebook.version,
        "transitions": orjson.dumps([transition_row(move) for move in decision.transitions]).decode(),
        "affects_analytics": True,
    }
    if effects:
        values |= effects.parameters(action_key(company_id, into.customer_id, ""), new.transition_number)
    if await ledger.write_in(connection, values, with_side_effects=bool(effects)) is None:
        raise ApplicationError("overtaken by a change of rules; will be retried", type="Overtaken")
    return new.version


def _record_id(run_id: str) -> str:
    return f"merged:{run_id}"


def _stage(merging: Merging) -> str | None:
    return merging.state.get("s") if merging.state else None
