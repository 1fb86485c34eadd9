"""The state of a journey made anew from its ledger and the transitions on record: what `journey rebuild` writes."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from journey.appointments import Unanswered
from journey.decisions import decide
from journey.engine import Transition
from journey.refold import TRIGGER_TYPES, LedgerRecord, RecordedMove, manual_moves, ordered_events
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros, Moment


class Rebuilt(Struct, frozen=True):
    """A journey made anew.

    Attributes:
        added: The transitions to add to those on record.
        missing: The numbers of transitions that stay missing.
        unanswered: As in `Decision`.
    """

    state: State
    added: list[Transition]
    missing: list[int] = []
    unanswered: list[Unanswered] = []


def rebuild(
    ledger: Sequence[LedgerRecord], moves: Sequence[RecordedMove], state: State | None, rulebook: Rulebook, now: Micros
) -> Rebuilt:
    """Make a journey's state anew.

    Its facts are those of the ledger. Transitions on record stay, manual ones too; what they lack is added: the last
    one that the state knows, the moves after it, each at its own time, and gaps in their numbers as far as a simulation
    of the ledger has them.

    Args:
        ledger: All applied events.
        moves: The transitions on record, by number.
        state: The state before; None if it is lost. It says how long the journey is held, which is not on record, and
            up to when it was evaluated, if its stage is the last one on record.
        rulebook: The company's rules.
        now: The time of the rebuild.
    """
    simulated = decide(State(), [record.event for record in ledger], rulebook, now)
    lived = simulated.transitions
    known, added = list(moves), list[Transition]()
    if state is not None and state.stage and state.transition_number > (moves[-1].transition_number if moves else 0):
        own = _last_move(state)
        added.append(_transition(own, moves[-1] if moves else None, lived))
        known.append(own)
    if not known:
        # later than every commit in the ledger, whose versions say what figures have counted
        latest = max((record.version for record in ledger), default=0)
        simulated.state.version = state.version if state is not None else latest
        return Rebuilt(simulated.state, lived, [], simulated.unanswered)
    base, earlier, replayed = _as_of_last_move(ledger, known, state, rulebook)
    later, before = ordered_events(replayed), ordered_events(earlier)
    decision = decide(base, later, rulebook, now, history=before, manual=manual_moves(known, base))
    filled, missing = _fill_gaps(known, lived)
    return Rebuilt(decision.state, [*filled, *added, *decision.transitions], missing, decision.unanswered)


def _last_move(state: State) -> RecordedMove:
    """Return what a state knows of the journey's last transition."""
    return RecordedMove(
        transition_number=state.transition_number,
        from_stage=state.previous_stage,
        to_stage=state.stage or "",
        at=state.entered_at,
        trigger_event=state.trigger,
        event_id=None,
        version=state.version,
    )


def _transition(move: RecordedMove, previous: RecordedMove | None, lived: Sequence[Transition]) -> Transition:
    """Return a transition that only the state knows; a simulation of the ledger may have its event and reason."""
    since = previous.at if previous is not None and previous.transition_number == move.transition_number - 1 else None
    for transition in lived:
        if (transition.from_stage, transition.to_stage, transition.at) == (move.from_stage, move.to_stage, move.at):
            return msgspec.structs.replace(transition, transition_number=move.transition_number, since=since)
    return Transition(
        from_stage=move.from_stage,
        to_stage=move.to_stage,
        at=move.at,
        transition_number=move.transition_number,
        trigger_type=TRIGGER_TYPES.get(move.trigger_event, "automatic"),
        trigger_event=move.trigger_event,
        first_entry=False,
        since=since,
    )


def _as_of_last_move(
    ledger: Sequence[LedgerRecord], moves: Sequence[RecordedMove], state: State | None, rulebook: Rulebook
) -> tuple[State, list[LedgerRecord], list[LedgerRecord]]:
    """Return the state after the last transition on record, and the events evaluated until then, and afterwards."""
    last = moves[-1]
    is_current = state is not None and (state.stage, state.transition_number) == (last.to_stage, last.transition_number)
    base = State(
        version=state.version if state is not None else max([last.version, *(record.version for record in ledger)]),
        stage=last.to_stage,
        entered_at=last.at,
        trigger=last.trigger_event,
        previous_stage=last.from_stage,
        started_at=moves[0].at,
        transition_number=last.transition_number,
        reached=list(dict.fromkeys(move.to_stage for move in moves)),
        evaluated=Moment(2 * last.at),
        rules_version=state.rules_version if state is not None else rulebook.version,
    )
    if state is not None and is_current:
        base.evaluated, base.held, base.hold_until = state.evaluated, state.held, state.hold_until
        replayed = [record for record in ledger if record.version > state.version]
    else:
        replayed = [record for record in ledger if not _precedes(record, last)]
    if state is not None:
        base.holds = state.holds
        base.facts = state.facts  # names the appointments whose outcome is already a question
    later = {id(record) for record in replayed}
    return base, [record for record in ledger if id(record) not in later], replayed


def _precedes(record: LedgerRecord, move: RecordedMove) -> bool:
    """Whether an event had been evaluated when a transition was made."""
    if record.version > move.version:
        return False
    at = record.event.at
    return at < move.at or (at == move.at and (move.event_id is None or record.event.id <= move.event_id))


def _fill_gaps(moves: Sequence[RecordedMove], lived: Sequence[Transition]) -> tuple[list[Transition], list[int]]:
    """Return the transitions that fill gaps in the numbers, and the numbers of those that cannot be derived."""
    numbers = {move.transition_number for move in moves}
    if len(numbers) == moves[-1].transition_number:
        return [], []
    filled: list[Transition] = []
    missing: list[int] = []
    reached: set[str] = set()
    previous: RecordedMove | None = None
    for move in moves:
        before = 0 if previous is None else previous.transition_number
        gap = list(range(before + 1, move.transition_number))
        if gap:
            found = _chain(lived, len(gap), previous, move)
            missing += [] if found else gap
            since = None if previous is None else previous.at
            for number, transition in zip(gap, found, strict=False):
                changes = {
                    "transition_number": number,
                    "since": since,
                    "first_entry": transition.to_stage not in reached,
                }
                filled.append(msgspec.structs.replace(transition, **changes))
                reached.add(transition.to_stage)
                since = transition.at
        reached.add(move.to_stage)
        previous = move
    return filled, missing


def _chain(
    lived: Sequence[Transition], length: int, previous: RecordedMove | None, following: RecordedMove
) -> Sequence[Transition]:
    """Return consecutive transitions of a simulation that lead from one on record to another; empty if none do."""
    begin, earliest = (None, None) if previous is None else (previous.to_stage, previous.at)
    for start in range(len(lived) - length + 1):
        chain = lived[start : start + length]
        first, last = chain[0], chain[-1]
        if (first.from_stage, last.to_stage) != (begin, following.from_stage):
            continue
        if (earliest is None or first.at >= earliest) and last.at <= following.at:
            return chain
    return []
