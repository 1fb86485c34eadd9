"""Which actions a transition brings about, and when each is due.

An action's *tail* is ``{entry}:{action}``, its key ``{company}:{customer}:{tail}``: one effect, however often it is
tried. ``entry`` counts the transitions of the journey's life. An action of several steps is one action a step.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from journey.time import DAY, Micros

#: Every action that a stage can list. Which default stage lists which: journey/stages.py.
ACTIONS: tuple[str, ...] = (
    "send_welcome_email",
    "assign_to_sales_team",
    "create_follow_up_task",
    "send_onboarding_sequence",
    "create_feedback_request",
    "update_crm_status",
    "assign_dedicated_manager",
    "send_vip_benefits_email",
    "create_quarterly_review",
    "notify_account_manager",
    "create_retention_campaign",
    "schedule_check_in_call",
)

#: Days after the transition of each step of an action that has several.
STEPS: Mapping[str, tuple[int, ...]] = {"send_onboarding_sequence": (0, 3, 7)}

QUARTERLY_REVIEW = "create_quarterly_review"
QUARTER = 91  # days
CAMPAIGN = "create_retention_campaign"
STAGE_CHANGED = "stage_changed"

#: A transition that took effect longer ago than this before it is decided is history: nobody acts on it.
RECENT = DAY


class Moved(Struct, frozen=True):
    """What is needed of a transition: ``entry`` is its sequence, ``at`` in µs."""

    entry: int
    to_stage: str
    at: Micros
    first_entry: bool
    is_growth: bool


class Due(Struct, frozen=True):
    """An action that a transition brings about, due at ``at`` (µs)."""

    entry: int
    action: str
    stage: str
    at: Micros

    @property
    def tail(self) -> str:
        return f"{self.entry}:{self.action}"


def due_actions(moves: Iterable[Moved], now: Micros, actions: Mapping[str, tuple[str, ...]]) -> list[Due]:
    """The actions of transitions decided at ``now`` (µs), in order. ``stage_changed`` comes with every transition.

    A lapse stage that was only passed through asks for nothing: the journey has left it already.
    """
    found: list[Due] = []
    listed = list(moves)
    for move in listed:
        if move.at < now - RECENT:
            continue
        found.append(Due(move.entry, STAGE_CHANGED, move.to_stage, now))
        if move.first_entry if move.is_growth else move is listed[-1]:
            found += entered(move, now, actions)
    return found


def entered(move: Moved, now: Micros, actions: Mapping[str, tuple[str, ...]]) -> list[Due]:
    """The actions of the stage that was entered, whenever that was; their days count from ``now``."""
    found: list[Due] = []
    for action in actions.get(move.to_stage, ()):
        for number, days in enumerate(STEPS.get(action, (0,)), 1):
            found.append(Due(move.entry, step_name(action, number), move.to_stage, Micros(now + days * DAY)))
    return found


def step_name(action: str, number: int) -> str:
    """The name of an action's ``number``-th step, from 1."""
    return action if number == 1 else f"{action}.{number}"


def parsed_tail(tail: str) -> tuple[int, str, str]:
    """(entry, action, step) of a tail; the first step is ``"1"``."""
    entry, _, name = tail.partition(":")
    action, _, step = name.partition(".")
    return int(entry), action, step or "1"


def action_key(company_id: int, customer_id: str, tail: str) -> str:
    """An action's key, which never contains the attempt."""
    return f"{company_id}:{customer_id}:{tail}"
