"""What a commit does beyond the journey itself: the actions that are due, and what people ask for at their desks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.message_batch import Inbox
from contracts.requests import DeskRequest, FinishTask, ReassignTask, RequestAction, RetryAction
from db.journeys.side_effects import RequestTargets, SideEffects
from journey.actions import Due, Moved, entered
from journey.engine import Command, Decision
from journey.events import to_instant, utc_text
from journey.stages import Rulebook
from journey.state import State

Answers = list[str | dict[str, Any] | None]
CENTRE = {"call": "centre_call", "email": "centre_email", "offer": "centre_offer"}


def asked_of(inbox: Inbox) -> tuple[list[int], list[int], list[int]]:
    """The ids of tasks, of actions, and of staff that people's requests name."""
    requests = [command for command in inbox.commands if isinstance(command, DeskRequest)]
    tasks = [request.task_id for request in requests if isinstance(request, FinishTask | ReassignTask)]
    actions = [request.action_id for request in requests if isinstance(request, RetryAction)]
    staff = [r.staff_id for r in requests if isinstance(r, ReassignTask) and r.staff_id is not None]
    return tasks, actions, staff


def problem_of(request: DeskRequest, known: RequestTargets | None) -> str | None:
    """Why a request cannot be done, in words. To do again what is done is no problem: an answer may have been lost."""
    if isinstance(request, RequestAction) or known is None:
        return None
    if isinstance(request, FinishTask | ReassignTask):
        status = known.tasks.get(request.task_id)
        if status is None:
            return f"task_id: this customer has no task {request.task_id}"
        if status != "open" and not (status == "done" and isinstance(request, FinishTask)):
            return f"task_id: task {request.task_id} is {status}, only an open one can be changed"
    if isinstance(request, ReassignTask) and request.staff_id is not None and not known.staff.get(request.staff_id):
        return f"staff_id: nobody active of the staff has the number {request.staff_id}"
    if isinstance(request, RetryAction):
        status = known.actions.get(request.action_id)
        if status is None:
            return f"action_id: this customer has no action {request.action_id}"
        if status not in ("failed", "suppressed", "pending"):
            return f"action_id: action {request.action_id} is {status}, only failed or suppressed ones are tried again"
    return None


def judge(
    commands: list[Command | DeskRequest | str], rulebook: Rulebook, now: int, known: RequestTargets | None
) -> tuple[Answers, list[Command], dict[int, DeskRequest]]:
    """Each command's answer (None: done; else why not), and those that will be done; requests by their places."""
    answers: Answers = []
    sound: list[Command] = []
    requests: dict[int, DeskRequest] = {}
    for place, command in enumerate(commands):
        problem = command if isinstance(command, str) else None
        if isinstance(command, DeskRequest):
            problem = problem_of(command, known)
            if problem is None:
                requests[place] = command
        elif isinstance(command, Command):
            stage = rulebook.by_key.get(command.stage or "")
            if command.kind == "set_stage" and (stage is None or not stage.is_active):
                allowed = ", ".join(s.key for s in rulebook.stages)
                problem = f"stage: {command.stage!r} is not one of {allowed}"
            elif command.hold_until is not None and command.hold_until <= now:
                problem = f"hold_until: {utc_text(command.hold_until)} is not in the future"
            else:
                sound.append(command)
        answers.append(problem)
    return answers, sound, requests


def desk_of(
    inbox: Inbox,
    requests: dict[int, DeskRequest],
    answers: Answers,
    decision: Decision,
    rulebook: Rulebook,
    now: int,
) -> SideEffects:
    """What this commit does beyond the journey. What a sound request made becomes the answer at its place."""
    state = decision.state
    actions = [_row(due) for due in _due(inbox, decision)]
    if inbox.act and state.stage is not None:
        stage = rulebook.by_key.get(state.stage)
        move = Moved(state.entry, state.stage, now, True, stage is None or stage.is_growth)
        actions += [_row(due) for due in entered(move, now, rulebook.actions)]
    side_effects = SideEffects(actions, [], [])
    for place, request in requests.items():
        answers[place] = _done(side_effects, request, state, now, place)
    lapse = {stage.key for stage in rulebook.lapse}
    side_effects.ends_campaigns = any(move.from_stage in lapse for move in decision.transitions)
    return side_effects


def _due(inbox: Inbox, decision: Decision) -> list[Due]:
    """Nobody acts upon history: beside it, only transitions that a live event caused count."""
    if inbox.history is None:
        return decision.actions
    live = {
        move.sequence
        for move in decision.transitions
        if move.event_id is not None and move.event_id not in inbox.history
    }
    return [due for due in decision.actions if due.entry in live]


def _row(due: Due) -> dict[str, Any]:
    return {
        "tail": due.tail,
        "action": due.action,
        "stage": due.stage,
        "entry": due.entry,
        "due_at": utc_text(due.at),
        "at": due.at,
    }


def _done(side_effects: SideEffects, request: DeskRequest, state: State, now: int, place: int) -> dict[str, Any] | None:
    if isinstance(request, RequestAction):
        # The commit's number and the request's place in it: no other request has them.
        action = f"{CENTRE[request.type]}.{state.version + 1}" + (f"-{place}" if place else "")
        due = Due(state.entry, action, state.stage or "", now)
        detail = {"note": request.note} if request.note else {}
        side_effects.actions.append({**_row(due), "detail": detail, "performed_by": request.performed_by})
        return {"action": due.tail}
    if isinstance(request, RetryAction):
        side_effects.retried_actions.append(request.action_id)
    elif isinstance(request, FinishTask):
        change = {"id": request.task_id, "done": True, "note": request.note, "by": request.performed_by}
        side_effects.task_updates.append(change)
    elif isinstance(request, ReassignTask):
        side_effects.task_updates.append({"id": request.task_id, "done": False, "staff_id": request.staff_id})
    return None


def tails(keys: list[str], side_effects: SideEffects, key_prefix: str, now: int) -> dict[str, int]:
    """The workflow's part of what was written: each tail with the µs when it is due (0: now)."""
    due = {row["tail"]: row["at"] for row in side_effects.actions}
    found = [key.removeprefix(key_prefix) for key in keys]
    return {tail: at if (at := due.get(tail, now)) > now else 0 for tail in found}


def agenda_of(unfinished: Mapping[str, datetime | None], key_prefix: str, now: int) -> dict[str, int]:
    """The same of actions that another workflow left undone, from their keys and times."""
    due = {key.removeprefix(key_prefix): now if at is None else to_instant(at) for key, at in unfinished.items()}
    return {tail: at if at > now else 0 for tail, at in due.items()}
