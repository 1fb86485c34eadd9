"""Decide and write, in one transaction: the only way in which a journey changes.

A commit may be retried by a worker that took over from a killed one, with the same messages or more. So each attempt
compares the workflow's version and run id with those of the journey's row in Postgres:

- the row has the workflow's version: decide, write, increment. This is assumed first, and the write itself verifies it,
  so that nearly every commit is a single statement;
- the row is one version ahead: an earlier attempt of this commit has written. Its rows are replaced, unless this
  attempt is the older one (a worker that was thought dead), which must not write;
- the row is behind, or there is none: Postgres was restored from an older backup. What it lost is written again from
  the workflow's histories (``recovery``), and the workflow adopts the result;
- anything else, or the row belongs to another workflow run (the workflow was terminated, or Temporal's store was lost):
  the row is authoritative, and the workflow adopts it before anything else is decided.

The workflow of a customer who was merged into another one hands its events on to that journey, and ends.
"""

from functools import partial

import orjson
import psycopg
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.appointment_decisions import decide_with_ledger
from activities.commit_parameters import batch_text, commit_result, guard, projection, transition_row
from activities.commit_position import position_of
from activities.handing_on import HandOn, hand_on, keep_quarantined
from activities.heartbeats import heartbeats
from activities.message_batch import MessageBatch, deduplicate, parse_messages
from activities.rebuild import rebuilt_journey
from activities.recovery import JourneyHistories, Recovery
from activities.refused_batches import REFUSALS, commit_reduced
from activities.retracted_events import ledger_ids, note_contributions, retraction_parameters, take_retractions
from activities.side_effects import pending_actions, side_effects, unfinished_actions
from activities.staff_requests import decide_commands, refers_to_something, targets
from contracts import names
from contracts.requests import CommitRequest, CommitResult
from db.connections import Pool
from db.journeys import ledger, ledger_snapshot
from db.journeys.ledger_history import appointment_parameters
from db.journeys.ledger_snapshot import LedgerSnapshot, ProjectionRow
from db.journeys.request_targets import RequestTargets, load_request_targets
from db.journeys.rulebooks import RulebookCache
from db.outreach import action_outcomes
from db.people.aliases import same_customer
from journey.actions import action_key
from journey.appointment_book import HistoryNeeded, unheld_ids
from journey.decisions import decide
from journey.engine import needs_history
from journey.events import EventRetracted
from journey.rebuild import Rebuilt
from journey.stages import Rulebook
from journey.state import State, apply_state_diff, pack, unpack
from journey.time import Micros, utc_text

CONFLICT_ATTEMPTS = 3  # of a commit that collided with another one
INTEGRITY_ATTEMPTS = 3  # of the activity, before it is certain that a violated constraint is not due to another commit


class Overtaken(Exception):
    """Another commit, or another journey with the same event id, was written between load and write."""


class CommitActivity:
    """The ``commit`` activity and its dependencies: the application's pool, histories, and a way to hand on events."""

    def __init__(self, pool: Pool, histories: JourneyHistories, hand_on: HandOn | None = None) -> None:
        self._pool, self._histories, self._hand_on_events = pool, histories, hand_on
        self._rulebooks = RulebookCache()

    @activity.defn(name=names.COMMIT)
    async def commit(self, request: CommitRequest) -> CommitResult:
        """Decide and write one batch of messages of one journey.

        Raises:
            psycopg.OperationalError: Postgres does not answer; retried indefinitely.
            ApplicationError: ``NoSuchCompany`` (final), ``Overtaken``, ``Stale`` or ``RowBehind`` (retried).
        """
        async with heartbeats():
            return await self._commit(request)

    async def _commit(self, request: CommitRequest) -> CommitResult:
        batch = await self._parse(request)
        refused: psycopg.Error | None = None
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                rulebook = self._rulebooks.cached(request["company_id"])
                is_plain = not batch.rebuild and not any(type(event) is EventRetracted for event in batch.events)
                if attempt == 0 and rulebook is not None and is_plain:
                    return await self._commit_optimistically(request, batch, rulebook)
                return await self._load_and_commit(request, batch)
            except Overtaken:
                refused = None
            except psycopg.IntegrityError as error:  # usually because of a commit that was written at the same time
                refused = error
            except psycopg.DataError as error:
                return await commit_reduced(batch, error, partial(self._load_and_commit, request))
        if refused is not None and activity.info().attempt > INTEGRITY_ATTEMPTS:
            return await commit_reduced(batch, refused, partial(self._load_and_commit, request))
        raise ApplicationError("overtaken by other commits; will be retried", type="Overtaken")

    async def _parse(self, request: CommitRequest) -> MessageBatch:
        """Parse the messages. Events may come with any id of the customer."""
        company_id, customer_id = request["company_id"], request["customer_id"]
        batch = parse_messages(request["messages"], customer_id, request["now"])
        if batch.others and (same := await same_customer(self._pool, company_id, customer_id, batch.others)):
            batch = parse_messages(request["messages"], customer_id, request["now"], same)
        return batch

    async def _commit_optimistically(
        self, request: CommitRequest, batch: MessageBatch, rulebook: Rulebook
    ) -> CommitResult:
        """Commit on the assumption that the row has the workflow's version and the rules have not changed.

        Raises:
            Overtaken: The assumption was wrong, or nothing would be written that verifies it.
        """
        state = unpack(request["state"]) if request["state"] else State()
        row = ProjectionRow(state.version, request["run_id"], None, {}) if state.version else None
        known = LedgerSnapshot(rulebook.version, None, row, {})
        return await self._decide_and_write(request, batch, known, state, rulebook, assumed=True)

    async def _load_and_commit(self, request: CommitRequest, batch: MessageBatch) -> CommitResult:
        """Commit on top of what Postgres has, or adopt its state if the workflow has diverged from it."""
        company_id, customer_id = request["company_id"], request["customer_id"]
        known = await ledger_snapshot.load(self._pool, company_id, customer_id, ledger_ids(batch.events))
        if known is None:
            raise ApplicationError(f"there is no company {company_id}", type="NoSuchCompany", non_retryable=True)
        if known.merged_into is not None:
            return await hand_on(self._pool, self._hand_on_events, request, batch, known)
        state = unpack(request["state"]) if request["state"] else State()
        position = await position_of(self._pool, request, batch, known, state.version)
        if position == "behind":
            return await self._recover(request, known.row, state.version)
        if position == "diverged":
            assert known.row is not None
            return await self._adopt(request, known.row, state.version)
        rulebook = await self._rulebooks.get(self._pool, company_id, known.rules_version, known.medians_version)
        return await self._decide_and_write(request, batch, known, state, rulebook, is_retry=position == "written")

    async def _adopt(self, request: CommitRequest, row: ProjectionRow, version: int) -> CommitResult:
        """Make the row the workflow's own, and return its state and unfinished actions."""
        state = unpack(row.state)
        # Never exactly one version ahead: if this answer were lost, the next attempt would take the row for its own.
        state.version = max(row.version + 1, version + 2)
        packed = pack(state)
        values = {
            **guard(request, row),
            "version": state.version,
            "run_id": request["run_id"],
            "state": orjson.dumps(packed).decode(),
        }
        if not await ledger.adopt(self._pool, request["company_id"], values):
            raise Overtaken
        activity.logger.warning("journey restored from Postgres", extra={"version": state.version})
        due = await self._unfinished_actions(request)
        return {**commit_result(request, packed, [], actions=due), "again": True}

    async def _unfinished_actions(self, request: CommitRequest) -> dict[str, Micros]:
        company_id, customer_id = request["company_id"], request["customer_id"]
        open_actions = await action_outcomes.unfinished_actions(self._pool, company_id, customer_id)
        return unfinished_actions(open_actions, action_key(company_id, customer_id, ""), request["now"])

    async def _recover(self, request: CommitRequest, row: ProjectionRow | None, version: int) -> CommitResult:
        """Write again what Postgres has lost, and make the workflow adopt the result.

        Raises:
            ApplicationError: ``RowBehind``: reading histories takes longer than a local activity may.
        """
        if activity.info().is_local:
            raise ApplicationError("the row is older than the workflow", type="RowBehind")
        recovery = Recovery(self._pool, self._histories, request, self._commit_recorded)
        await recovery.run(None if row is None else row.state)
        known = await ledger_snapshot.load(self._pool, request["company_id"], request["customer_id"], [])
        assert known is not None
        assert known.row is not None
        return await self._adopt(request, known.row, version)

    async def _commit_recorded(self, request: CommitRequest, state: State) -> State:
        """Commit the messages of a recorded commit again; return the state after it."""
        batch = await self._parse(request)
        ids = ledger_ids(batch.events)
        known = await ledger_snapshot.load(self._pool, request["company_id"], request["customer_id"], ids)
        assert known is not None
        rulebook = await self._rulebooks.get(
            self._pool, request["company_id"], known.rules_version, known.medians_version
        )
        commit = partial(self._decide_and_write, request, known=known, state=state, rulebook=rulebook, is_recorded=True)
        try:
            result = await commit(batch)
        except REFUSALS as error:
            result = await commit_reduced(batch, error, commit)
        packed = apply_state_diff(request["state"], result["changes"])
        return unpack(packed) if packed else state

    async def _decide_and_write(
        self,
        request: CommitRequest,
        batch: MessageBatch,
        known: LedgerSnapshot,
        state: State,
        rulebook: Rulebook,
        *,
        is_retry: bool = False,
        assumed: bool = False,
        is_recorded: bool = False,
    ) -> CommitResult:
        """Decide the batch and write the result.

        Args:
            request: The activity's argument.
            batch: Its parsed messages.
            known: The ledger's snapshot.
            state: The workflow's state.
            rulebook: The company's rules.
            is_retry: An earlier attempt has written; replace its rows.
            assumed: ``known`` was not loaded; the write verifies it.
            is_recorded: The batch was committed before, and Postgres has lost it.
        """
        own_version = state.version + 1 if is_retry else None
        events, entries = deduplicate(batch, known, own_version)
        new_ids = [] if known.events else [event.id for event in events]
        events, retracted = take_retractions(events, entries, known, own_version)
        commands = decide_commands(batch.commands, rulebook, request["now"], await self._targets(request, batch, state))
        replies = commands.replies
        now = request["now"] if batch.until is None else min(batch.until, request["now"])
        rebuilt: Rebuilt | None = None
        base = state
        if assumed:
            if needs_history(state):
                raise Overtaken
            try:
                decision = decide(state, events, rulebook, now, commands.stage_commands)
            except HistoryNeeded:
                raise Overtaken from None
        else:
            if batch.rebuild:
                rebuilt = await rebuilt_journey(
                    self._pool, request, known.customer_key, state, rulebook, except_version=own_version
                )
            base = state if rebuilt is None else rebuilt.state
            decision = await decide_with_ledger(
                self._pool, request, base, events, rulebook, now, commands.stage_commands
            )
        if rebuilt is not None:
            decision.transitions[:0] = rebuilt.added
            decision.unanswered[:0] = rebuilt.unanswered
        new = decision.state
        effects = side_effects(batch, commands, state, decision, rulebook, request["now"])
        changed = bool(entries or decision.transitions or commands.stage_commands or effects) or new != state
        changed |= batch.rebuild  # the row's columns may be wrong
        if assumed and (new.stage is None or not changed):
            raise Overtaken  # no write would verify the assumption; Postgres may have newer rules or a later state
        if new.stage is None:
            await keep_quarantined(self._pool, request, entries, rulebook.version, is_recorded=is_recorded)
            return commit_result(request, request["state"], replies)
        if not changed:
            return commit_result(request, pack(new), replies, batch.until)
        new.version = base.version + 1
        packed = pack(new)
        note_contributions(entries, events, decision.contributions)
        values = {
            **guard(request, known.row),
            **projection(new, packed, rulebook.medians),
            "batch": batch_text(request["messages"], new.version),
            "new_ids": new_ids,
            **appointment_parameters(unheld_ids(state.facts, events) if assumed else []),
            "unretracted": [event.id for event in events] if assumed else [],
            **retraction_parameters(retracted, events, decision.contributions),
            "run_id": request["run_id"],
            "received_at": utc_text(request["now"]) if is_recorded else None,
            "entries": ledger.serialize_entries(entries),
            "transitions": orjson.dumps([transition_row(move) for move in decision.transitions]).decode(),
            "affects_analytics": bool(decision.transitions or decision.contributions)
            or any(event.least_amount is not None for event in events),
        }
        prefix = action_key(request["company_id"], request["customer_id"], "")
        if effects:
            values |= effects.parameters(prefix, new.transition_number)
        keys = await ledger.write(
            self._pool, request["company_id"], values, is_retry=is_retry, with_side_effects=bool(effects)
        )
        if keys is None:
            raise Overtaken
        pending = pending_actions(keys, effects, prefix, request["now"])
        if is_retry:  # not only of this commit: the workflow may be older than its actions
            pending |= await self._unfinished_actions(request)
        return commit_result(request, packed, replies, batch.until, pending)

    async def _targets(self, request: CommitRequest, batch: MessageBatch, state: State) -> RequestTargets | None:
        """Load the status of what the batch's commands refer to; None if they refer to nothing."""
        if not refers_to_something(batch):
            return None
        company_id, customer_id = request["company_id"], request["customer_id"]
        return await load_request_targets(
            self._pool, company_id, customer_id, **targets(batch), own_version=state.version + 1
        )
