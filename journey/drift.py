"""Detection of drift: an evaluation would change a journey although it should have evaluated itself in time."""

from collections.abc import Iterable
from typing import Any

from journey.engine import Decision, decide, needs_history
from journey.events import Event, counting
from journey.stages import Rulebook
from journey.state import State, unpack
from journey.time import Micros, utc_text


def evaluation(state: State, rulebook: Rulebook, now: Micros, history: Iterable[Event] | None = None) -> Decision:
    """Return what the evaluation of a journey without events or commands decides, as at its deadlines and in roll-outs.

    Args:
        state: Its state; it is not modified.
        rulebook: The company's rules.
        now: The time of the evaluation.
        history: All events that were applied, used if the state is not enough; see `needs_history`.
    """
    needed = history is not None and needs_history(state)
    return decide(state, [], rulebook, now, history=counting(history or ()) if needed else None)


def detect_drift(packed: dict[str, Any], rulebook: Rulebook, now: Micros, grace: int = 0) -> dict[str, str] | None:
    """Return what an evaluation at ``now`` would change, as texts; None if nothing.

    Args:
        packed: The journey's packed state.
        rulebook: The company's rules.
        now: The time of the evaluation.
        grace: A deadline that passed within so many µs is not drift: the journey is about to evaluate it itself.

    Returns:
        ``stage``, ``because``, ``risk``, ``engagement``, and ``since``: the deadline that passed, or "".
    """
    before = unpack(packed)
    if before.deadline is not None and now - grace <= before.deadline < now:
        return None
    decision = evaluation(before, rulebook, now)
    after = decision.state
    if after == before or (after.rules_version != before.rules_version and _is_equivalent(before, decision)):
        return None
    return {
        "stage": " → ".join([before.stage or "", *(move.to_stage for move in decision.transitions)]),
        "because": ", ".join(move.trigger_event for move in decision.transitions) or "scores or rules",
        "risk": _moved(before, after, "risk"),
        "engagement": _moved(before, after, "engagement"),
        "since": utc_text(before.deadline) if before.deadline is not None and before.deadline < now else "",
    }


def _is_equivalent(before: State, decision: Decision) -> bool:
    """Whether a journey looks and waits the same under other rules: it learns of them with its next event."""
    after = decision.state
    return (
        not decision.transitions
        and not decision.unanswered
        and all(
            getattr(after, name) == getattr(before, name)
            for name in ("deadline", "deadline_stage", "risk", "engagement", "held", "hold_until")
        )
    )


def _moved(before: State, after: State, score: str) -> str:
    old, new = getattr(before, score) / 100, getattr(after, score) / 100
    return f"{old:.2f} → {new:.2f}" if old != new else f"{new:.2f}"
