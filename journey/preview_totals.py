"""The sums of a preview of changed rules over many journeys, as plain JSON that can be added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from journey.actions import CAMPAIGN
from journey.rules_preview import Past, RolledOut
from journey.stages import Rulebook
from journey.time import DAY

PASTS = ("old", "new")
Pair = tuple[str | None, str]


class PastTotals(Struct):
    """The past of many journeys under one rulebook."""

    moves: Counter[Pair] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    campaigns: int = 0

    def add(self, past: Past) -> None:
        for move in past.moves:
            self.moves[move.from_stage, move.to_stage] += 1
        self.spent.update(past.spent)
        self.campaigns += past.campaigns


class Totals(Struct):
    """What changed rules do to many journeys.

    Attributes:
        looked: Number of journeys.
        events: Number of their events.
        stages: How many are in one stage now and in another, or the same, after the roll-out.
        held: How many a hold keeps in a stage that is gone, by stage.
        actions: How often each action runs if the change runs actions.
        messages: Messages to customers among them.
        different: How many would have had another past.
    """

    looked: int = 0
    events: int = 0
    stages: Counter[Pair] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    different: int = 0
    old: PastTotals = field(default_factory=PastTotals)
    new: PastTotals = field(default_factory=PastTotals)

    def add(self, outcome: RolledOut | None, messages: int, old: Past, new: Past, *, is_different: bool) -> None:
        """Add one journey: what the roll-out does to it, and its past under the old and the new rules."""
        self.looked += 1
        if outcome is not None:
            self.stages[outcome.before, outcome.after] += 1
            self.actions.update(outcome.actions)
            self.messages += messages
            if outcome.is_held:
                self.held[outcome.after] += 1
        self.old.add(old)
        self.new.add(new)
        self.different += is_different

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON that `summed` adds up."""
        return {
            **{name: getattr(self, name) for name in ("looked", "events", "messages", "different")},
            "stages": _rows(self.stages),
            "held": dict(self.held),
            "actions": dict(self.actions),
            "past": {name: _past_json(getattr(self, name)) for name in PASTS},
        }


def summed(parts: Iterable[dict[str, Any]]) -> Totals:
    """Add up what `Totals.as_json` returned."""
    totals = Totals()
    for part in parts:
        totals.looked += part["looked"]
        totals.events += part["events"]
        totals.messages += part["messages"]
        totals.different += part["different"]
        totals.stages.update(_pairs(part["stages"]))
        totals.held.update(part["held"])
        totals.actions.update(part["actions"])
        for name in PASTS:
            past, added = getattr(totals, name), part["past"][name]
            past.moves.update(_pairs(added["moves"]))
            past.spent.update(added["spent"])
            past.campaigns += added["campaigns"]
    return totals


def shown(totals: Totals, old: Rulebook, new: Rulebook) -> dict[str, Any]:
    """Return the result as the API shows it.

    Returns:
        ``customers``, ``stages`` (before and after), ``moves``, ``gone``, ``actions``, ``messages``, and ``past``.
    """
    gone = [stage.key for stage in old.stages if not new.by_key[stage.key].is_active]
    before, after = Counter[str](), Counter[str]()
    for (left, entered), count in totals.stages.items():
        before[left or ""] += count
        after[entered] += count
    listed = [stage.key for stage in new.all_stages]
    return {
        "customers": totals.looked,
        "stages": [{"stage": key, "before": before[key], "after": after[key]} for key in listed],
        "moves": _moves(Counter({pair: n for pair, n in totals.stages.items() if pair[0] != pair[1]})),
        "gone": [
            {
                "stage": key,
                "customers": before[key],
                "held": totals.held[key],
                "to": _destinations(totals.stages, key),
            }
            for key in gone
        ],
        "actions": dict(sorted(totals.actions.items())),
        "campaigns": totals.actions[CAMPAIGN],
        "messages": totals.messages,
        "past": {
            **{name: _moves(getattr(totals, name).moves) for name in PASTS},
            "days_in_stage": {name: _days(getattr(totals, name)) for name in PASTS},
            "campaigns": {name: getattr(totals, name).campaigns for name in PASTS},
            "customers_different": totals.different,
        },
    }


def _days(past: PastTotals) -> dict[str, float]:
    return {stage: round(micros / DAY, 2) for stage, micros in sorted(past.spent.items())}


def _destinations(stages: Counter[Pair], gone: str) -> list[dict[str, Any]]:
    found = Counter({entered: n for (left, entered), n in stages.items() if left == gone and entered != gone})
    return [{"stage": stage, "count": count} for stage, count in found.most_common()]


def _moves(counts: Counter[Pair]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0][0] or "", item[0][1]))
    return [{"from": left, "to": entered, "count": count} for (left, entered), count in ordered]


def _rows(counts: Counter[Pair]) -> list[list[Any]]:
    return [[left, entered, count] for (left, entered), count in counts.items()]


def _pairs(rows: Iterable[list[Any]]) -> dict[Pair, int]:
    return {(left, entered): count for left, entered, count in rows}


def _past_json(past: PastTotals) -> dict[str, Any]:
    return {"moves": _rows(past.moves), "spent": dict(past.spent), "campaigns": past.campaigns}
