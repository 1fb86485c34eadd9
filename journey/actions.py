"""The actions that a transition causes, and when each is due.

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

#: Those of them that are messages to the customer.
MESSAGES: tuple[str, ...] = (
    "send_welcome_email",
    "send_onboarding_sequence",
    "create_feedback_request",
    "send_vip_benefits_email",
)

#: For each action with several steps: the days from the transition to each step.
STEPS: Mapping[str, tuple[int, ...]] = {"send_onboarding_sequence": (0, 3, 7)}

QUARTERLY_REVIEW = "create_quarterly_review"
QUARTER = 91  # days
CAMPAIGN = "create_retention_campaign"
#: Prefix of the actions that staff request.
REQUESTED = "centre_"
REQUESTED_CALL = f"{REQUESTED}call"
FOLLOW_UP = "centre_follow_up"  # the next step that was agreed on in a contact
FOLLOW_UP_CALL = "follow_up_call"
#: The kinds of tasks to call a customer. Staff cannot add one while another is open.
CALL_TASKS = ("check_in_call", "retention_call", "personal_call", FOLLOW_UP_CALL)
STAGE_CHANGED = "stage_changed"
ASK_ATTENDANCE = "ask_attendance"  # asks staff whether a customer came

#: A transition that took effect longer than this before it is decided is history and causes no actions.
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
    """Return the actions caused by transitions decided at ``now``, in order.

    Every transition causes ``stage_changed``. A lapse stage that was only passed through causes nothing else, because
    the journey has already left it.
    """
    due: list[DueAction] = []
    listed = list(moves)
    for move in listed:
        if move.at < now - RECENT:
            continue
        due.append(DueAction(move.transition_number, STAGE_CHANGED, move.to_stage, now))
        if move.first_entry if move.is_growth else move is listed[-1]:
            due += entry_actions(move, now, actions)
    return due


def entry_actions(move: StageEntry, now: Micros, actions: Mapping[str, tuple[str, ...]]) -> list[DueAction]:
    """Return the actions of the stage that was entered, however long ago; their days count from ``now``."""
    due: list[DueAction] = []
    for action in actions.get(move.to_stage, ()):
        for number, days in enumerate(STEPS.get(action, (0,)), 1):
            due.append(
                DueAction(move.transition_number, step_name(action, number), move.to_stage, Micros(now + days * DAY))
            )
    return due


def step_name(action: str, number: int) -> str:
    """Return the name of an action's ``number``-th step, counted from 1."""
    return action if number == 1 else f"{action}.{number}"


def parse_action_ref(action_ref: str) -> tuple[int, str, str]:
    """Split an ``action_ref`` into (transition_number, action, step); the first step is ``"1"``."""
    number, _, name = action_ref.partition(":")
    action, _, step = name.partition(".")
    return int(number), action, step or "1"


def action_key(company_id: int, customer_id: str, action_ref: str) -> str:
    """Return an action's key. It never contains the attempt."""
    return f"{company_id}:{customer_id}:{action_ref}"
