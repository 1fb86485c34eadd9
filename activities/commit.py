"""Decide and write, in one transaction: the only way in which a journey changes.

The same commit may be tried again, by a worker that took over from a killed one, with the same messages or more. So the
row in Postgres says which commit of which workflow it stands at, and every try compares:

- the row stands where the workflow stands: decide, write, one further. This is assumed first, and the write itself
  makes sure of it, so that nearly every commit is one statement;
- it stands one further already: an earlier try of this commit has written. Its rows are replaced, unless this try is
  the older one (a worker that was thought dead), which must not write;
- it stands anywhere else, or belongs to another workflow (that one was terminated, or Temporal's store was lost): the
  row is the truth, and the workflow takes it over before anything else is decided.
"""

from typing import Any

import orjson
import psycopg
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import side_effects
from activities.message_batch import Inbox, admit, read_messages, set_aside
from contracts.requests import CommitRequest, CommitResult
from db.connections import Pool
from db.journeys import ledger
from db.journeys.ledger import LedgerEntry, LedgerSnapshot, ProjectionRow
from db.journeys.rulebooks import Rulebooks
from db.journeys.side_effects import RequestTargets, load_request_targets
from db.outreach import actions
from journey.actions import action_key
from journey.engine import Transition, decide
from journey.events import AppointmentCompleted, PaymentAdjusted, canonical, content_hash, utc_text
from journey.explain import money_text
from journey.stages import Rulebook
from journey.state import State, changes, pack, unpack

PAID = (AppointmentCompleted, PaymentAdjusted)
TRIES = 3  # of a commit that met another one
STALE_TRIES = 3  # a worker thought dead is gone by then; what still looks stale is a clock that was set back


class Overtaken(Exception):
    """Another commit, or another journey with the same event id, came between load and write."""


class Commits:
    """The ``commit`` activity with its dependencies: the pool of the application's role, rulebooks by version."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rulebooks = Rulebooks()

    @activity.defn(name="commit")
    async def commit(self, request: CommitRequest) -> CommitResult:
        """Decide one inbox of one journey.

        Raises psycopg.OperationalError while Postgres does not answer: to be tried again for ever.
        """
        inbox = read_messages(request["messages"], request["customer_id"], request["now"])
        aside = False
        for attempt in range(TRIES):
            try:
                if attempt == 0 and (rulebook := self._rulebooks.remembered(request["company_id"])):
                    return await self._assume(request, inbox, rulebook)
                return await self._look(request, inbox)
            except (Overtaken, psycopg.errors.UniqueViolation):
                continue
            except psycopg.DataError as error:
                if aside:
                    raise
                # What passed every check and yet cannot be stored must not block the journey for ever.
                activity.logger.error("messages set aside", extra={"reason": str(error)})
                inbox, aside = set_aside(inbox, request["messages"], str(error)), True
        raise ApplicationError("overtaken by other commits; will be tried again", type="Overtaken")

    async def _assume(self, request: CommitRequest, inbox: Inbox, rulebook: Rulebook) -> CommitResult:
        """Decide as if Postgres stood where the workflow stands, by the rules last seen. Raises Overtaken otherwise."""
        state = unpack(request["state"]) if request["state"] else State()
        row = ProjectionRow(state.version, request["run_id"], None, {}) if state.version else None
        known = LedgerSnapshot(rulebook.version, None, row, {})
        return await self._decide(request, inbox, known, state, rulebook, assumed=True)

    async def _look(self, request: CommitRequest, inbox: Inbox) -> CommitResult:
        """Decide upon what Postgres knows."""
        company_id, customer_id = request["company_id"], request["customer_id"]
        ids = [event.id for event in inbox.events]
        known = await ledger.load(self._pool, company_id, customer_id, ids)
        if known is None:
            raise ApplicationError(f"there is no company {company_id}", type="NoSuchCompany", non_retryable=True)
        state = unpack(request["state"]) if request["state"] else State()
        standing = "here"
        if known.row is not None:
            standing = await self._standing(request, inbox, known, known.row, state.version)
            if standing == "elsewhere":
                return await self._take_over(request, known.row, state.version)
        rulebook = await self._rulebooks.of(self._pool, company_id, known.rules_version)
        return await self._decide(request, inbox, known, state, rulebook, again=standing == "again")

    async def _standing(
        self, request: CommitRequest, inbox: Inbox, known: LedgerSnapshot, row: ProjectionRow, version: int
    ) -> str:
        if row.run_id != request["run_id"]:
            return "elsewhere"
        if row.version <= version:
            return "here"  # where it is less, an older copy of Postgres was restored: the workflow knows better
        if row.version > version + 1:
            return "elsewhere"
        assert row.decided_at is not None
        if row.decided_at == request["now"]:
            return "again"
        if row.decided_at > request["now"] and activity.info().attempt <= STALE_TRIES:
            raise ApplicationError("a later try of this commit has written", type="Stale")
        assert known.customer_key is not None
        written = await ledger.events_of_commit(self._pool, request["company_id"], known.customer_key, row.version)
        held = {(event.id, content_hash(canonical(event))) for event in inbox.events}
        held |= {(entry.event_id, entry.content_hash) for entry in inbox.entries}
        return "again" if all(key in held for key in written) else "elsewhere"

    async def _take_over(self, request: CommitRequest, row: ProjectionRow, version: int) -> CommitResult:
        state = unpack(row.state)
        # Never just one further than the workflow: were this answer lost, the next try would take the row for its own.
        state.version = max(row.version + 1, version + 2)
        packed = pack(state)
        values = {
            **_guard(request, row),
            "version": state.version,
            "run_id": request["run_id"],
            "state": orjson.dumps(packed).decode(),
        }
        if not await ledger.take_over(self._pool, request["company_id"], values):
            raise Overtaken
        activity.logger.warning("journey taken over from Postgres", extra={"version": state.version})
        company_id, customer_id = request["company_id"], request["customer_id"]
        open_actions = await actions.unfinished(self._pool, company_id, customer_id)
        due = side_effects.agenda_of(open_actions, action_key(company_id, customer_id, ""), request["now"])
        return {**result(request, packed, [], actions=due), "again": True}

    async def _decide(
        self,
        request: CommitRequest,
        inbox: Inbox,
        known: LedgerSnapshot,
        state: State,
        rulebook: Rulebook,
        *,
        again: bool = False,
        assumed: bool = False,
    ) -> CommitResult:
        own_version = state.version + 1 if again else None
        events, entries = admit(inbox, known, own_version)
        answers, commands, requests = side_effects.judge(
            inbox.commands, rulebook, request["now"], await self._known(request, inbox)
        )
        now = request["now"] if inbox.until is None else min(inbox.until, request["now"])
        decision = decide(state, events, rulebook, now, commands)
        new = decision.state
        beyond = side_effects.desk_of(inbox, requests, answers, decision, rulebook, request["now"])
        changed = bool(entries or decision.transitions or commands or beyond) or new != state
        if assumed and (new.stage is None or not changed):
            raise Overtaken  # nothing would be compared with Postgres, which may know newer rules or a later state
        if new.stage is None:
            await self._keep_quarantined(request, entries, rulebook)
            return result(request, request["state"], answers)
        if not changed:
            return result(request, pack(new), answers, inbox.until)
        new.version = state.version + 1
        packed = pack(new)
        values = {
            **_guard(request, known.row),
            **_projection(new, packed),
            "new_ids": [] if known.events else [event.id for event in events],
            "run_id": request["run_id"],
            "entries": ledger.entries_json(entries),
            "transitions": orjson.dumps([_as_row(move) for move in decision.transitions]).decode(),
            "counts": bool(decision.transitions) or any(isinstance(event, PAID) for event in events),
        }
        prefix = action_key(request["company_id"], request["customer_id"], "")
        if beyond:
            values |= beyond.parameters(prefix, new.entry)
        keys = await ledger.write(
            self._pool, request["company_id"], values, is_retry=again, with_side_effects=bool(beyond)
        )
        if keys is None:
            raise Overtaken
        return result(request, packed, answers, inbox.until, side_effects.tails(keys, beyond, prefix, request["now"]))

    async def _known(self, request: CommitRequest, inbox: Inbox) -> RequestTargets | None:
        """What people's requests are judged by; None where there are none that name anything."""
        tasks, actions, staff = side_effects.asked_of(inbox)
        if not tasks and not actions:
            return None
        company_id, customer_id = request["company_id"], request["customer_id"]
        return await load_request_targets(
            self._pool, company_id, customer_id, tasks=tasks, actions=actions, staff=staff
        )

    async def _keep_quarantined(self, request: CommitRequest, entries: list[LedgerEntry], rulebook: Rulebook) -> None:
        if entries:
            values = {
                "company": request["company_id"],
                "customer": request["customer_id"],
                "entries": ledger.entries_json(entries),
                "version": 0,
                "rules_version": rulebook.version,
            }
            await ledger.write_quarantined(self._pool, request["company_id"], values)


def result(
    request: CommitRequest,
    state: dict[str, Any] | None,
    answers: side_effects.Answers,
    until: int | None = None,
    actions: dict[str, int] | None = None,
) -> CommitResult:
    """``commit``'s answer: it stands in the workflow's history, so nothing more than is needed."""
    answer: CommitResult = {"changes": changes(request["state"] or {}, state or {})}
    if answers:
        answer["answers"] = answers
    if until is not None:
        answer["more"] = True
    if actions:
        answer["actions"] = actions
    return answer


def _guard(request: CommitRequest, row: ProjectionRow | None) -> dict[str, Any]:
    return {
        "company": request["company_id"],
        "customer": request["customer_id"],
        "known_version": None if row is None else row.version,
        "known_run_id": None if row is None else row.run_id,
        "known_decided_at": None if row is None else _text(row.decided_at),
        "decided_at": utc_text(request["now"]),
    }


def _projection(state: State, packed: dict[str, Any]) -> dict[str, Any]:
    facts = state.facts
    return {
        "current_stage": state.stage,
        "stage_entered_at": utc_text(state.entered_at),
        "previous_stage": state.previous_stage,
        "lifetime_value": money_text(facts.value),
        "total_appointments": facts.completed,
        "last_appointment_at": _text(facts.last_appointment_at),
        "risk_score": money_text(state.risk),
        "engagement_score": money_text(state.engagement),
        "version": state.version,
        "state": orjson.dumps(packed).decode(),
        "rules_version": state.rules_version,
        "next_deadline": _text(state.deadline),
        "next_stage": state.deadline_stage,
        "hold_until": _text(state.hold_until),
        "held": state.held,
        "started_at": utc_text(state.started_at),
    }


def _as_row(move: Transition) -> dict[str, Any]:
    return {
        "sequence": move.sequence,
        "from_stage": move.from_stage,
        "to_stage": move.to_stage,
        "at": utc_text(move.at),
        "since": _text(move.since),
        "trigger_type": move.trigger_type,
        "trigger_event": move.trigger_event,
        "performed_by": move.performed_by,
        "notes": move.notes,
        "event_id": move.event_id,
        "reason": {"conditions": move.reason, "first_entry": move.first_entry},
    }


def _text(instant: int | None) -> str | None:
    return None if instant is None else utc_text(instant)
