"""Two rulebooks evaluated together: a life in which their rules never disagree is the same under both.

A preview lives the past of every customer under the old and the new rules. Most lives are the same, and living them
once takes half the time. At every evaluation, a stage whose rules differ is asked for both verdicts; the first
disagreement ends the attempt, and the life is lived under each rulebook. All instants at which time alone may change a
verdict of either rulebook are evaluated.

An evaluation at an instant of only one of them may find a rule that has held for a while, and that the other one would
evaluate later: right after a return, for example. So a move without an event counts only if it is made at the very
instant from which its rule holds, by a rule that both have (`is_certain`).
"""

from copy import copy
from typing import Any

from journey.engine import Transition
from journey.rules import InvalidRule, Rule, RuleContext
from journey.stages import Rulebook, Stage

_CLOSE = 1e-6  # days


class Disagreement(Exception):
    """The rules of the two rulebooks have different verdicts."""


class _PairedStage(Stage):
    """A stage with its rules of both rulebooks; without rules in one of them, it is never entered there."""

    def __init__(self, stage: Stage, old: list[Rule], new: list[Rule]) -> None:
        self.__dict__.update(stage.__dict__)
        self._old, self._new = old, new
        self.rules = [*old, *new]

    def holding(self, context: RuleContext) -> Rule | None:
        """Return the old rule that holds. Raises Disagreement."""
        found = next((rule for rule in self._old if rule.holds(context)), None)
        if (found is None) == any(rule.holds(context) for rule in self._new):
            raise Disagreement
        return found


def is_certain(move: Transition, pair: Rulebook) -> bool:
    """Whether a move of a paired life is made under both rulebooks."""
    if move.event_id is not None:
        return True
    if isinstance(pair.by_key[move.to_stage], _PairedStage):
        return False
    return any(_is_just_over(verdict) for verdict in move.reason)


def _is_just_over(verdict: dict[str, Any]) -> bool:
    """Whether a condition about days has held from the instant of the evaluation on."""
    days, limit = verdict["is"], verdict["must_be"]
    if verdict["fact"] != "days" or days is None or not limit.startswith(">"):
        return False
    beyond: float = days - float(limit.lstrip(">= "))
    return abs(beyond) < _CLOSE


def paired(old: Rulebook, new: Rulebook) -> Rulebook | None:
    """Return a rulebook that evaluates both, of whose lives `Disagreement` ends those that may differ.

    Returns:
        None if more than the rules and the set of stages differs, such as their order or the scoring, and where a stage
        has retention days.
    """
    both = [stage for stage in old.stages if stage.key in {other.key for other in new.stages}]
    kept = [stage for stage in new.stages if stage.key in {other.key for other in old.stages}]
    if (
        old.scoring != new.scoring
        or old.medians is not new.medians
        or old.growth[0].key != new.growth[0].key
        or [_shape(stage) for stage in both] != [_shape(stage) for stage in kept]
        or old.retains
        or new.retains
    ):
        return None
    try:
        made = Rulebook(_merged(old, new), old.scoring, new.version, new.changed_at)
    except InvalidRule:  # too many stages together
        return None
    return made.with_medians(old.medians)


def _shape(stage: Stage) -> tuple[str, bool]:
    return stage.key, stage.is_growth


def _merged(old: Rulebook, new: Rulebook) -> list[Stage]:
    """Return the active stages of both in an order that both agree with."""
    olds, news = {stage.key: stage for stage in old.stages}, {stage.key: stage for stage in new.stages}
    keys: list[str] = []
    waiting = [stage.key for stage in old.stages]
    for stage in new.stages:
        if stage.key in olds:
            at = waiting.index(stage.key)
            keys += waiting[:at]
            waiting = waiting[at + 1 :]
        keys.append(stage.key)
    merged: list[Stage] = []
    for order, key in enumerate([*keys, *waiting]):
        one, other = olds.get(key), news.get(key)
        made = copy(one or other)
        assert made is not None
        if one is None or other is None or one.fields.auto_transition_rules != other.fields.auto_transition_rules:
            made = _PairedStage(made, [] if one is None else one.rules, [] if other is None else other.rules)
        made.order = order
        merged.append(made)
    return merged
