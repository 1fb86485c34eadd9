"""What changed rules would do to a journey: what their roll-out would do now, and what its past would have been."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from journey import decisions
from journey.actions import CAMPAIGN, MESSAGES, STAGE_CHANGED, parse_action_ref
from journey.drift import evaluation
from journey.engine import RetractionFound, Transition, is_moved_by_change, moves_of, needs_history
from journey.events import Event
from journey.outreach import Step
from journey.paired_rules import Disagreement, is_certain, paired
from journey.rhythm import MedianRecords
from journey.stages import Rulebook, rulebook_from
from journey.state import State
from journey.time import EPOCH_MICROS, Micros

ATTEMPTS = 200  # lives, after which both rulebooks are no longer evaluated together if most lives differ
#: The steps of a retention campaign that are messages to the customer.
MESSAGE_STEPS = ("email", "sms", "offer")


def stages_after(current: Rulebook, stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the stages that a change leads to: those that it no longer names stay as inactive ones."""
    named = {stage["stage_key"] for stage in stages}
    gone = [{**stage.as_json(), "is_active": False} for stage in current.all_stages if stage.key not in named]
    return [*map(dict, stages), *gone]


def rulebook_after(current: Rulebook, stages: Sequence[Mapping[str, Any]], scoring: Any, at: Micros) -> Rulebook:
    """Return the version that follows the current one if it is changed at an instant, and runs the actions of moves.

    Args:
        stages: Every stage, see `stages_after`.
        scoring: Its settings.
    """
    fields = {"stages": list(stages), "scoring": scoring}
    made = rulebook_from(fields, version=current.version + 1, changed_at=at, runs_actions=True)
    return made.with_medians(current.medians)


class RolledOut(Struct, frozen=True):
    """What the roll-out of changed rules does to one journey.

    Attributes:
        before: The stage under the old rules at the instant of the change.
        after: The stage after the roll-out.
        actions: The names of the actions, steps included, if the change runs actions.
        deadline: The next deadline under the new rules, and the stage that it leads to.
        is_held: A hold keeps the journey where it is.
    """

    before: str
    after: str
    moves: list[Transition]
    actions: list[str]
    deadline: Micros | None
    deadline_stage: str | None
    is_held: bool


def rolled_out(
    state: State,
    old: Rulebook,
    new: Rulebook,
    as_of: Micros,
    history: Iterable[Event] | None = None,
    *,
    in_full: bool = True,
) -> RolledOut | None:
    """Bring a journey to an instant under the old rules, then change them; None if it has no stage.

    Args:
        state: Its state; it is not modified.
        new: See `rulebook_after`.
        history: All events that were applied, for a state that is not enough.
        in_full: Also return the deadline of a journey that is not moved.
    """
    is_settled = state.rules_version == old.version and (state.deadline is None or state.deadline > as_of)
    before = state if is_settled else evaluation(state, old, as_of, history).state
    if before.stage is None:
        return None
    if not in_full and not before.held and not needs_history(before) and not is_moved_by_change(before, new, as_of):
        return RolledOut(before.stage, before.stage, [], [], None, None, is_held=False)
    decision = evaluation(before, new, as_of, history)
    after = decision.state
    return RolledOut(
        before.stage,
        after.stage or before.stage,
        decision.transitions,
        [due.action for due in decision.actions if due.action != STAGE_CHANGED],
        after.deadline,
        after.deadline_stage,
        before.held and after.held,
    )


def messages(actions: Iterable[str], campaign: Sequence[Step]) -> int:
    """Return how many messages to the customer these actions send, those of the retention campaign included."""
    per_campaign = sum(step.type in MESSAGE_STEPS for step in campaign)
    return sum(_messages_of(name, per_campaign) for name in actions)


class Past(Struct):
    """A journey's past under one rulebook, since some instant.

    Attributes:
        moves: The transitions, the start included.
        spent: µs in each stage.
        campaigns: Number of retention campaigns begun.
    """

    moves: list[Transition]
    spent: dict[str, Micros] = field(default_factory=dict)
    campaigns: int = 0

    @property
    def path(self) -> list[str]:
        return [move.to_stage for move in self.moves]


def lived(events: list[Event], rulebook: Rulebook, as_of: Micros, since: Micros | None = None) -> Past:
    """Live a journey anew from its events, and return what happened from ``since`` on.

    Manual stages are left out: they would not have been set by the rules.

    Args:
        events: All events until ``as_of``.
        rulebook: The rules.
        as_of: The end.
        since: The beginning; None: the first event.
    """
    try:
        moves = moves_of(events, rulebook, as_of)
    except RetractionFound:
        moves = decisions.decide(State(), events, rulebook, as_of).transitions
    return _past(moves, rulebook, as_of, since)


class Pasts:
    """The pasts of many journeys under the old and the new rules; see `lived`."""

    def __init__(self, old: Rulebook, new: Rulebook, as_of: Micros, since: Micros | None) -> None:
        self._old, self._new, self._as_of, self._since = old, new, as_of, since
        self._pair = paired(old, new)
        self._tried = self._disagreed = 0
        self._same_campaigns = all(
            (CAMPAIGN in old.actions.get(key, ())) == (CAMPAIGN in new.actions.get(key, ()))
            for key in {*old.by_key, *new.by_key}
        )

    def of(self, events: list[Event]) -> tuple[Past, Past]:
        """Return the past of one journey under the old and under the new rules; the same object if both are equal."""
        as_of, since = self._as_of, self._since
        if self._pair is not None:
            self._tried += 1
            try:
                moves = moves_of(events, self._pair, as_of)
                if not all(is_certain(move, self._pair) for move in moves):
                    raise Disagreement
            except (Disagreement, RetractionFound):
                self._disagreed += 1
                if self._tried >= ATTEMPTS and self._disagreed > self._tried / 2:
                    self._pair = None
            else:
                old = _past(moves, self._old, as_of, since)
                return old, old if self._same_campaigns else _past(moves, self._new, as_of, since)
        return lived(events, self._old, as_of, since), lived(events, self._new, as_of, since)


def _past(moves: list[Transition], rulebook: Rulebook, as_of: Micros, since: Micros | None) -> Past:
    begin = EPOCH_MICROS if since is None else since
    past = Past(moves if since is None else [move for move in moves if move.at >= begin])
    last = len(moves) - 1
    spent = past.spent
    for index, move in enumerate(moves):
        end = as_of if index == last else moves[index + 1].at
        if end > begin:
            spent[move.to_stage] = Micros(spent.get(move.to_stage, 0) + end - max(move.at, begin))
        if move.at >= begin and CAMPAIGN in rulebook.actions.get(move.to_stage, ()):
            is_passed_through = index < last and end == move.at
            past.campaigns += move.first_entry if move.is_growth else not is_passed_through
    return past


def differs(one: Past, other: Past) -> bool:
    """Whether the journey would have been in other stages, or at other times."""
    if one is other:
        return False
    return [(m.to_stage, m.at) for m in one.moves] != [(m.to_stage, m.at) for m in other.moves] or (
        one.spent != other.spent
    )


def with_medians(rulebook: Rulebook, records: MedianRecords) -> Rulebook:
    """Return the rulebook for the past: with the company's own records of its medians, else with these."""
    return rulebook if rulebook.medians.version else rulebook.with_medians(records)


def _messages_of(name: str, per_campaign: int) -> int:
    action = parse_action_ref(f"0:{name}")[1]
    return per_campaign if action == CAMPAIGN else action in MESSAGES
