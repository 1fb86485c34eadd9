"""Which actions a transition brings about, and when each is due.

Within its journey, an action is identified by its ``action_ref``, ``{transition_number}:{action}``, and everywhere else
by its key, ``{company}:{customer}:{action_ref}``. However often it is tried, it takes effect once. Transitions of a
journey are numbered from 1. Each step of an action that has several is an action of its own.
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


class StageEntry(Struct, frozen=True):
    """A transition, as far as it decides on actions: its time and the stage that it entered."""

    transition_number: int
    to_stage: str
    at: Micros
    first_entry: bool
    is_growth: bool


class DueAction(Struct, frozen=True):
    """An action that a transition causes, due at ``at``."""

    transition_number: int
    action: str
    stage: str
    at: Micros

    @property
    def action_ref(self) -> str:
        return f"{self.transition_number}:{self.action}"


def due_actions(moves: Iterable[StageEntry], now: Micros, actions: Mapping[str, tuple[str, ...]]) -> list[DueAction]:
    """The actions of transitions decided at ``now`` (µs), in order. ``stage_changed`` comes with every transition.

    A lapse stage that was only passed through asks for nothing: the journey has left it already.
    """
    found: list[DueAction] = []
    listed = list(moves)
    for move in listed:
        if move.at < now - RECENT:
            continue
        found.append(DueAction(move.transition_number, STAGE_CHANGED, move.to_stage, now))
        if move.first_entry if move.is_growth else move is listed[-1]:
            found += entry_actions(move, now, actions)
    return found


def entry_actions(move: StageEntry, now: Micros, actions: Mapping[str, tuple[str, ...]]) -> list[DueAction]:
    """The actions of the stage that was entered, whenever that was; their days count from ``now``."""
    found: list[DueAction] = []
    for action in actions.get(move.to_stage, ()):
        for number, days in enumerate(STEPS.get(action, (0,)), 1):
            found.append(
                DueAction(move.transition_number, step_name(action, number), move.to_stage, Micros(now + days * DAY))
            )
    return found


def step_name(action: str, number: int) -> str:
    """The name of an action's ``number``-th step, from 1."""
    return action if number == 1 else f"{action}.{number}"


def parse_action_ref(action_ref: str) -> tuple[int, str, str]:
    """Split an ``action_ref`` into (transition_number, action, step); the first step is ``"1"``."""
    number, _, name = action_ref.partition(":")
    action, _, step = name.partition(".")
    return int(number), action, step or "1"


def action_key(company_id: int, customer_id: str, action_ref: str) -> str:
    """An action's key, which never contains the attempt."""
    return f"{company_id}:{customer_id}:{action_ref}"
