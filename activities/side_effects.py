"""Side effects of a commit (transactional outbox): actions that become due, and the effects of staff requests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.message_batch import MessageBatch
from activities.staff_requests import CommandDecisions
from contracts.messages import (
    DO_NOT_CONTACT,
    CancelAction,
    ChangeTask,
    FinishTask,
    ReassignTask,
    RecordContact,
    RemoveContact,
    RequestAction,
    RetryAction,
    StaffRequest,
)
from db.journeys.side_effects import SideEffects
from journey.actions import ASK_ATTENDANCE, FOLLOW_UP, DueAction, StageEntry, entry_actions
from journey.appointments import Unanswered
from journey.engine import Decision
from journey.stages import Rulebook
from journey.state import State
from journey.time import EPOCH_MICROS, SECOND, Micros, to_micros, utc_text

REQUESTED_ACTIONS = {"call": "centre_call", "email": "centre_email", "offer": "centre_offer"}


def side_effects(
    batch: MessageBatch,
    commands: CommandDecisions,
    before: State,
    decision: Decision,
    rulebook: Rulebook,
    now: Micros,
) -> SideEffects:
    """Collect what a commit writes in addition to the journey itself, whose state was ``before``.

    What an accepted staff request creates becomes its reply in ``commands.replies``.
    """
    state = decision.state
    actions = [_action_row(due) for due in _due_actions(batch, decision)]
    if batch.act and state.stage is not None:
        stage = rulebook.by_key.get(state.stage)
        move = StageEntry(state.transition_number, state.stage, now, True, stage is None or stage.is_growth)
        actions += [_action_row(due) for due in entry_actions(move, now, rulebook.actions)]
    if batch.history is None and batch.until is None:  # an import asks about nothing
        actions += [_question(unanswered, state, now) for unanswered in decision.unanswered]
    effects = SideEffects(actions, [], profile_changed=batch.profile_changed)
    for position, request in commands.staff_requests.items():
        commands.replies[position] = _apply(effects, request, state, now, position)
    effects.answered = [_question_step(unanswered) for unanswered in decision.answered]
    effects.undone = decision.undone
    lapse = {stage.key for stage in rulebook.lapse}
    effects.ends_campaigns = any(move.from_stage in lapse for move in decision.transitions)
    effects.came_back = before.stage in lapse and _came_back(before, state, lapse)
    return effects


def pending_actions(keys: list[str], effects: SideEffects, key_prefix: str, now: Micros) -> dict[str, Micros]:
    """Return the actions that the workflow has to start: each ``action_ref`` with the µs when it is due (0: now)."""
    due: dict[str, Micros] = {row["action_ref"]: row["at"] for row in effects.actions}
    action_refs = [key.removeprefix(key_prefix) for key in keys]
    return {ref: at if (at := due.get(ref, now)) > now else EPOCH_MICROS for ref in action_refs}


def unfinished_actions(unfinished: Mapping[str, datetime | None], key_prefix: str, now: Micros) -> dict[str, Micros]:
    """Return the same for actions that a lost workflow left unfinished, given their keys and due times."""
    due = {key.removeprefix(key_prefix): now if at is None else to_micros(at) for key, at in unfinished.items()}
    return {ref: at if at > now else EPOCH_MICROS for ref, at in due.items()}


def _due_actions(batch: MessageBatch, decision: Decision) -> list[DueAction]:
    """Return the actions due. If the batch has history, only transitions caused by a live event count."""
    if batch.history is None:
        return decision.actions
    live = {
        move.transition_number
        for move in decision.transitions
        if move.event_id is not None and move.event_id not in batch.history
    }
    return [due for due in decision.actions if due.transition_number in live]


def _question(unanswered: Unanswered, state: State, now: Micros) -> dict[str, Any]:
    """Return the action that asks staff whether a customer came; the ledger knows the appointment's id by its key."""
    action = f"{ASK_ATTENDANCE}.{_question_step(unanswered)}"
    due = DueAction(state.transition_number, action, state.stage or "", now)
    return {**_action_row(due), "detail": {"scheduled_for": utc_text(unanswered.booked), "key": unanswered.key}}


def _question_step(unanswered: Unanswered) -> str:
    return f"{unanswered.key}-{unanswered.booked}"


def _action_row(due: DueAction) -> dict[str, Any]:
    return {
        "action_ref": due.action_ref,
        "action": due.action,
        "stage": due.stage,
        "transition_number": due.transition_number,
        "due_at": utc_text(due.at),
        "at": due.at,
    }


def _apply(
    effects: SideEffects, request: StaffRequest, state: State, now: Micros, position: int
) -> dict[str, Any] | None:
    """Add a staff request's changes to the side effects; return what it creates, if anything."""
    # The commit's version and the position in it make the name of an action or a comment unique.
    number = f"{state.version + 1}" + (f"-{position}" if position else "")
    if isinstance(request, RequestAction):
        action = f"{REQUESTED_ACTIONS[request.type]}.{number}"
        due_at = Micros(now + request.delay * SECOND)
        due = DueAction(state.transition_number, action, state.stage or "", due_at)
        detail = {"note": request.note} if request.note else {}
        effects.actions.append({**_action_row(due), "detail": detail, "performed_by": request.performed_by})
        return {"action": due.action_ref}
    if isinstance(request, RetryAction):
        effects.retried_actions.append(request.action_id)
    elif isinstance(request, CancelAction):
        effects.cancelled_actions.append(request.action_id)
    elif isinstance(request, RecordContact):
        return _record_contact(effects, request, state, now, number)
    elif isinstance(request, RemoveContact):
        effects.removed_contacts.append(request.contact_id)
    elif isinstance(request, FinishTask):
        note = {"note": request.note} if request.note else {}
        effects.update_task(request.task_id, status="done", by=request.performed_by, **note)
        if request.note:  # added as a comment if the task has a note already
            comment = {"task_id": request.task_id, "command": number, "text": request.note, "beside_note": True}
            effects.task_comments.append({**comment, "by": request.performed_by})
    elif isinstance(request, ReassignTask):
        effects.update_task(request.task_id, assign=True, staff_id=request.staff_id)
    elif isinstance(request, ChangeTask):
        moved = {"due_at": _normalized(request.due_at)} if request.due_at else {}
        reopened = {"status": "open"} if request.reopen else {}
        effects.update_task(request.task_id, **moved, **reopened)
        if request.comment is not None:
            comment = {"task_id": request.task_id, "command": number, "text": request.comment}
            effects.task_comments.append({**comment, "by": request.performed_by})
    return None


def _record_contact(
    effects: SideEffects, request: RecordContact, state: State, now: Micros, number: str
) -> dict[str, Any]:
    follow_up_at = _normalized(request.follow_up_at) if request.follow_up_at else None
    contact: dict[str, Any] = {
        "command": number,
        "channel": request.channel,
        "outcome": request.outcome,
        "note": request.note,
        "follow_up_at": follow_up_at,
        "event_id": request.event_id,
        "by": request.performed_by,
        "closes_follow_ups": request.outcome == DO_NOT_CONTACT or follow_up_at is not None,
    }
    if follow_up_at is not None:
        due = DueAction(state.transition_number, f"{FOLLOW_UP}.{number}", state.stage or "", now)
        contact["follow_up"] = due.action_ref
        detail = {"follow_up_at": follow_up_at, "outcome": request.outcome, "contacted_at": utc_text(now)}
        detail |= {"note": request.note} if request.note else {}
        effects.actions.append({**_action_row(due), "detail": detail, "performed_by": request.performed_by})
    effects.contacts.append(contact)
    return {"contact": number}


def _came_back(before: State, after: State, lapse: set[str]) -> bool:
    """Whether a journey that was in a lapse stage has a new visit, other than an old one that was reported late."""
    visit, earlier = after.facts.last_appointment_at, before.facts.last_appointment_at
    if visit is None or (earlier is not None and visit <= earlier):
        return False
    return after.stage not in lapse or visit >= before.entered_at


def _normalized(text: str) -> str:
    return utc_text(to_micros(datetime.fromisoformat(text)))
