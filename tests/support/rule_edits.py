"""Edits of the default rules, as a company makes them: one after the other, each from the rules of the one before."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

Stages = list[dict[str, Any]]


def _named(stages: Stages, key: str) -> dict[str, Any]:
    (stage,) = [stage for stage in stages if stage["stage_key"] == key]
    return stage


def threshold(stages: Stages, amount: int) -> Stages:
    """VIP from another amount."""
    rule = {"trigger": "lifetime_value", "conditions": {"value": f">={amount}"}}
    _named(stages, "vip")["auto_transition_rules"] = rule
    return stages


def with_stage_between(stages: Stages) -> Stages:
    """A stage of its own between regular customers and VIPs."""
    rule = {"trigger": "appointment_count", "conditions": {"count": ">=6"}}
    added = {"stage_key": "loyal", "stage_name": "Loyal", "kind": "growth", "auto_transition_rules": rule}
    at = stages.index(_named(stages, "vip"))
    return _numbered([*stages[:at], added, *stages[at:]])


def without_stage(stages: Stages) -> Stages:
    """No regular customers any more."""
    return _numbered([stage for stage in stages if stage["stage_key"] != "regular"])


def lapse_by_rhythm(stages: Stages) -> Stages:
    """At risk and lost by the customers' own rhythms."""
    days = {"at_risk": (2, 14, 90), "churned": (4, 60, 180)}
    for key, (ratio, overdue, fixed) in days.items():
        _named(stages, key)["auto_transition_rules"] = [
            {
                "trigger": "overdue_ratio",
                "conditions": {"overdue_ratio": f">={ratio}", "overdue_days": f">={overdue}"},
            },
            {"trigger": "days_since_last_appointment", "conditions": {"days": f">{fixed}", "has_rhythm": "==0"}},
        ]
    return stages


#: By what they are.
EDITS: dict[str, Callable[[Stages], Stages]] = {
    "threshold up": lambda stages: threshold(stages, 2000),
    "threshold down": lambda stages: threshold(stages, 300),
    "new stage between": with_stage_between,
    "stage removed": without_stage,
    "lapse by rhythm": lapse_by_rhythm,
}


def edited(stages: Stages, name: str) -> Stages:
    """Return the active stages after an edit."""
    return EDITS[name](deepcopy([stage for stage in stages if stage["is_active"]]))


def _numbered(stages: Stages) -> Stages:
    return [{**stage, "order_index": number} for number, stage in enumerate(stages, 1)]
