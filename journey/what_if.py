"""What would happen to a journey if certain events came, or none: computed by the core, with nothing written."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from journey.actions import STAGE_CHANGED, DueAction
from journey.appointment_book import HistoryNeeded
from journey.decisions import decide
from journey.engine import Decision, Transition, needs_history
from journey.events import Event
from journey.explain import explain
from journey.refold import ManualMove
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros, utc_text

#: Of an explanation, what is compared.
_COMPARED = ("current_stage", "stage_name", "entered_at", "facts", "scores", "deadlines", "booking")


class Course(Struct, frozen=True):
    """How a journey continues: its state at the end, its transitions, and the actions of the stages that it enters."""

    state: State
    transitions: list[Transition]
    actions: list[DueAction]


def course(
    state: State,
    history: Sequence[Event],
    manual: Sequence[ManualMove],
    events: Sequence[Event],
    rulebook: Rulebook,
    now: Micros,
    until: Micros,
) -> Course:
    """Let a journey go on: each event at its own time, then nothing until an instant.

    Args:
        state: The journey's state.
        history: All applied events of the journey.
        manual: Its manual moves.
        events: What is assumed to happen, from ``now`` on and not after ``until``.
        rulebook: The company's rules.
        now: The present instant.
        until: The instant at which this ends.
    """
    done, transitions = list(history), list[Transition]()
    actions: list[DueAction] = []

    def decide_at(at: Micros, due: list[Event]) -> Decision:
        if not needs_history(state):
            with suppress(HistoryNeeded):
                return decide(state, due, rulebook, at)
        return decide(state, due, rulebook, at, (), done, manual)

    state = decide_at(now, []).state
    following = [(event.at, [event]) for event in sorted(events, key=lambda event: (event.at, event.id))]
    for at, due in [*following, (until, list[Event]())]:
        # deadlines on the way act at their own time, as a journey that is woken up does
        while state.deadline is not None and state.deadline < at:
            woken = decide_at(Micros(state.deadline + 1), [])
            if woken.state == state:
                break
            state = woken.state
            transitions += woken.transitions
            actions += woken.actions
        decision = decide_at(at, due)
        state = decision.state
        transitions += decision.transitions
        actions += decision.actions
        done += due
    return Course(state, transitions, [action for action in actions if action.action != STAGE_CHANGED])


def what_if(
    state: State,
    history: Sequence[Event],
    manual: Sequence[ManualMove],
    events: Sequence[Event],
    rulebook: Rulebook,
    now: Micros,
    until: Micros,
) -> dict[str, Any]:
    """Compare a journey until an instant with certain events and without: arguments as for `course`.

    Returns:
        ``{"until", "with": {"transitions", "actions", "after"}, "without": …}``; ``after`` is a part of what
        `journey.explain.explain` returns, as of ``until``.
    """
    answer: dict[str, Any] = {"until": utc_text(until)}
    for name, assumed in (("with", events), ("without", ())):
        found = course(state, history, manual, assumed, rulebook, now, until)
        explained = explain(found.state, rulebook, until)
        answer[name] = {
            "transitions": [
                {
                    "from_stage": move.from_stage,
                    "to_stage": move.to_stage,
                    "transitioned_at": utc_text(move.at),
                    "trigger_type": move.trigger_type,
                    "trigger_event": move.trigger_event,
                    "reason": {"conditions": move.reason, "first_entry": move.first_entry},
                }
                for move in found.transitions
            ],
            "actions": [
                {"action": action.action, "stage_key": action.stage, "at": utc_text(action.at)}
                for action in found.actions
            ],
            "after": {key: explained[key] for key in _COMPARED},
        }
    return answer
