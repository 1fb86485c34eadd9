"""Write again what Postgres has lost of a journey, from the histories that Temporal still has.

Postgres was restored from a backup that is older than the workflow. The messages of its later commits are in the
workflow's histories: they are committed again, in order, at their original times and with their original versions. The
ledger keeps each event once, so an interrupted recovery continues where it was.

Where histories have expired, the workflow's states still say how its stage changed; the events in between are lost. The
facts become what the ledger says, so that an upstream system may send them again, and the difference is named.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import orjson
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.commit_parameters import guard, projection, transition_row
from activities.recovered_actions import settle_actions
from contracts import names
from contracts.journey_record import JourneyRecord, RecordedCommit, read_campaign_outcomes, read_journey_record
from contracts.requests import CommitRequest
from db.connections import Pool, tenant_transaction
from db.journeys import ledger, ledger_records, ledger_snapshot
from db.journeys.ledger_history import appointment_parameters
from db.people import audit_log
from journey.engine import Transition
from journey.refold import COMPARED_FACTS, TRIGGER_TYPES, LedgerRecord, keep_facts
from journey.state import State, pack, unpack
from journey.time import Micros, utc_text

#: Commit one batch of messages on top of a state, and return the new state.
Recommit = Callable[[CommitRequest, State], Awaitable[State]]


class JourneyHistories(Protocol):
    """Reads what Temporal still has of a journey."""

    async def journey(self, company_id: int, customer_id: str) -> JourneyRecord:
        """Return the commits of the journey and the outcomes of its actions."""
        ...

    async def campaign(self, company_id: int, customer_id: str, n: int) -> dict[str, str] | None:
        """Return the outcomes of a campaign's steps; None if it has expired."""
        ...


class TemporalHistories:
    """Reads histories with a client. Every method raises RPCError if Temporal does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def journey(self, company_id: int, customer_id: str) -> JourneyRecord:
        return await read_journey_record(self._client, company_id, customer_id)

    async def campaign(self, company_id: int, customer_id: str, n: int) -> dict[str, str] | None:
        return await read_campaign_outcomes(self._client, company_id, customer_id, n)


@dataclass
class Recovery:
    """The recovery of one journey, from its row in Postgres, if there is one, to the state of its workflow."""

    pool: Pool
    histories: JourneyHistories
    request: CommitRequest
    recommit: Recommit
    commits: int = 0

    async def run(self, row_state: dict[str, Any] | None) -> None:
        """Commit again what is missing, settle the actions, and name what is lost."""
        record = await self.histories.journey(self.request["company_id"], self.request["customer_id"])
        state = unpack(row_state) if row_state else State()
        keep_facts(state, await self._ledger(), self.request["now"])
        own = RecordedCommit(self.request["now"], state=self.request["state"])  # needs no history
        for commit in [*record.commits, own]:
            if commit.version > state.version or not commit.changed:
                state = await self._commit_again(commit, state)
                state = await self._follow(commit, state)
        await self._keep_facts(state)
        await settle_actions(self.pool, self.histories.campaign, self.request, record)
        await self._name_losses(state)

    async def _ledger(self) -> list[LedgerRecord]:
        company_id, customer_id = self.request["company_id"], self.request["customer_id"]
        known = await ledger_snapshot.load(self.pool, company_id, customer_id, [])
        if known is None or known.customer_key is None:
            return []
        applied = await ledger_records.applied_events(self.pool, company_id, [known.customer_key])
        return applied.get(known.customer_key, [])

    async def _commit_again(self, commit: RecordedCommit, state: State) -> State:
        """Commit a commit's messages as of its time, as its version."""
        messages = commit.messages
        if commit.changed:
            state.version = max(state.version, commit.version - 1)
        else:  # its commands were refused, and would be decided anew
            messages = [message for message in messages if message[0] == names.EVENTS_SIGNAL]
        if messages or commit.changed:
            packed = pack(state) if state.stage is not None else None
            request: CommitRequest = {**self.request, "now": commit.now, "state": packed, "messages": messages}
            before, state = state.version, await self.recommit(request, state)
            self.commits += state.version > before
        if commit.changed:
            state.version = max(state.version, commit.version)
        return state

    async def _follow(self, commit: RecordedCommit, state: State) -> State:
        """Take the stage and the hold over from a state of the workflow, where its messages do not lead there.

        They do not if some have expired, or if rules have changed since.
        """
        known = unpack(commit.state) if commit.state else State()
        if known.stage is None or known.version < state.version:
            return state
        if _place(known) == _place(state):
            state.version = known.version
            return state
        number = known.transition_number
        if known.stage != state.stage:
            number = max(number, state.transition_number + 1)
        moved = [_transition(known, state, number)] if number > state.transition_number else []
        changes = {"facts": state.facts, "transition_number": number, "reached": _reached(state, known)}
        followed = msgspec.structs.replace(known, **changes)
        await self._write(followed, moved, commit.now)
        return followed

    async def _keep_facts(self, state: State) -> None:
        """Write the facts of the ledger, if the row differed from it and nothing was committed again."""
        known = await ledger_snapshot.load(self.pool, self.request["company_id"], self.request["customer_id"], [])
        if known is not None and known.row is not None and unpack(known.row.state).facts != state.facts:
            await self._write(state, [], self.request["now"])

    async def _write(self, state: State, moved: list[Transition], now: Micros) -> None:
        """Write a state that no message leads to."""
        company_id, customer_id = self.request["company_id"], self.request["customer_id"]
        known = await ledger_snapshot.load(self.pool, company_id, customer_id, [])
        assert known is not None
        request: CommitRequest = {**self.request, "now": now}
        values = {
            **guard(request, known.row),
            **projection(state, pack(state), None),
            "rules_version": known.rules_version,
            "batch": None,
            "new_ids": [],
            **appointment_parameters([]),
            "unretracted": [],
            "retracted": "{}",
            "retractions": "[]",
            "run_id": request["run_id"],
            "received_at": None,
            "entries": "[]",
            "transitions": orjson.dumps([transition_row(move) for move in moved]).decode(),
            "affects_analytics": bool(moved),
        }
        if await ledger.write(self.pool, company_id, values, is_retry=False) is None:
            raise ApplicationError("overtaken by another commit; will be retried", type="Overtaken")

    async def _name_losses(self, state: State) -> None:
        """Record what the workflow had counted and neither store has any more, once for each recovery."""
        counted = unpack(self.request["state"] or {})
        missing = {
            shown: [_shown(getattr(counted.facts, name)), _shown(getattr(state.facts, name))]
            for name, shown in COMPARED_FACTS.items()
            if getattr(counted.facts, name) != getattr(state.facts, name)
        }
        company_id, customer_id = self.request["company_id"], self.request["customer_id"]
        subject = f"journey/{customer_id}@{counted.version}"
        details = {"commits": self.commits, "missing": missing}
        async with tenant_transaction(self.pool, company_id) as connection:
            if not await audit_log.is_recorded(connection, company_id, "journey.recover", subject):
                await audit_log.record(connection, company_id, "recovery", "journey.recover", subject, details)
        activity.logger.warning("journey recovered from Temporal's histories", extra=details)


def _place(state: State) -> tuple[Any, ...]:
    return state.stage, state.transition_number, state.held, state.hold_until


def _reached(state: State, known: State) -> list[str]:
    return list(dict.fromkeys([*known.reached, *state.reached]))


def _transition(known: State, state: State, number: int) -> Transition:
    """Return the last transition that a state of the workflow knows; those before it are lost."""
    is_next = number == state.transition_number + 1
    return Transition(
        from_stage=state.stage if is_next else known.previous_stage,
        to_stage=known.stage or "",
        at=known.entered_at,
        transition_number=number,
        trigger_type=TRIGGER_TYPES.get(known.trigger, "automatic"),
        trigger_event=known.trigger,
        first_entry=known.stage not in state.reached,
        notes="recovered from the workflow's state",
        since=state.entered_at if is_next and state.stage is not None else None,
    )


def _shown(value: Any) -> Any:
    """Return a fact as JSON: of a list of times its length and the last one."""
    return f"{len(value)}, last {utc_text(value[-1])}" if isinstance(value, list) and value else value
