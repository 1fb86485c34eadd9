"""What each action does: one function per action, which returns the message, task or event to create.

The functions do not decide whether an action may run now (`journey/outreach.py` does) nor how (`activities/act.py`).
A new action is a function here; if stages may list it, its name is also in `journey.actions.ACTIONS`, which validates
rules without knowing this module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from activities.channels.webhook import WebhookChannel
from activities.message_catalogue import TEMPLATES
from activities.task_reasons import booked_for, contacted, last_visit, stage_entered
from db.outreach.action_context import ActionContext
from journey.actions import ACTIONS, CALL_TASKS, FOLLOW_UP_CALL, QUARTER, QUARTERLY_REVIEW


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """A message to the customer, on the channel of its template. ``marketing`` counts against the frequency cap."""

    template: str

    @property
    def channel(self) -> str:
        return TEMPLATES[self.template].channel

    @property
    def marketing(self) -> bool:
        return TEMPLATES[self.template].marketing


@dataclass(frozen=True, slots=True)
class StaffMessage:
    """A message to the person assigned to the customer in a role, else to the first active person of that role."""

    template: str
    role: str
    marketing: ClassVar[bool] = False

    @property
    def channel(self) -> str:
        return TEMPLATES[self.template].channel


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An event to every endpoint of the company."""

    type: str
    data: dict[str, Any]
    marketing: ClassVar[bool] = False
    channel: ClassVar[str] = WebhookChannel.spec.name


@dataclass(frozen=True, slots=True)
class Task:
    """A task for the person assigned to the customer in a role, else for the least loaded of that role.

    ``title`` and ``reason`` do not name the customer, who is added when the task is read. ``repeat_days``: create it
    again after that many days, as long as the journey stays in the stage.
    """

    kind: str
    title: str
    role: str
    due_in: timedelta
    reason: str
    repeat_days: int | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """Assign the customer to the least loaded active person of a role; ``title``: of the task if there is nobody."""

    role: str
    title: str


@dataclass(frozen=True, slots=True)
class StartCampaign:
    """Start the retention campaign according to the company's plan."""


def contacts_customer(effect: "Effect") -> bool:
    """Whether an effect is a message to the customer, or a call."""
    return isinstance(effect, CustomerMessage) or (isinstance(effect, Task) and effect.kind in CALL_TASKS)


Delivered = CustomerMessage | StaffMessage | WebhookEvent
Recorded = Task | Assign | StartCampaign
Effect = Delivered | Recorded
ActionFunction = Callable[[ActionContext], Effect]


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the registry.

    Attributes:
        needs_stage: Cancelled once the journey has left the stage that caused it.
        unless_booked: Suppressed while an appointment of the customer is booked.
    """

    effect: ActionFunction
    needs_stage: bool = False
    unless_booked: bool = False


#: All actions by name, in the order in which they are defined here.
REGISTRY: dict[str, Action] = {}


def action(*, needs_stage: bool = False, unless_booked: bool = False) -> Callable[[ActionFunction], ActionFunction]:
    """Register an action that is caused by a transition, a campaign or a staff request."""

    def register(function: ActionFunction) -> ActionFunction:
        REGISTRY[function.__name__] = Action(function, needs_stage, unless_booked)
        return function

    return register


def stage_action(
    *, needs_stage: bool = False, unless_booked: bool = False
) -> Callable[[ActionFunction], ActionFunction]:
    """Register an action that stages may list. Raises ValueError if `journey.actions.ACTIONS` does not name it."""

    def register(function: ActionFunction) -> ActionFunction:
        if function.__name__ not in ACTIONS:
            raise ValueError(f"add {function.__name__!r} to journey.actions.ACTIONS, so that stages may list it")
        return action(needs_stage=needs_stage, unless_booked=unless_booked)(function)

    return register


# -- listed by stages -------------------------------------------------------------------------------------------------


@stage_action()
def send_welcome_email(_: ActionContext) -> Effect:
    return CustomerMessage("welcome")


@stage_action()
def assign_to_sales_team(_: ActionContext) -> Effect:
    return Assign("sales", "Assign a salesperson")


@stage_action()
def create_follow_up_task(context: ActionContext) -> Effect:
    return Task("follow_up", "Follow up", "sales", timedelta(days=1), stage_entered(context))


@stage_action()
def send_onboarding_sequence(context: ActionContext) -> Effect:
    return CustomerMessage(f"onboarding_{context.step}")


@stage_action()
def create_feedback_request(_: ActionContext) -> Effect:
    return CustomerMessage("feedback_request")


@stage_action()
def update_crm_status(context: ActionContext) -> Effect:
    return WebhookEvent("customer.status_changed", {"customer_id": context.customer_id, **context.journey_facts})


@stage_action()
def assign_dedicated_manager(_: ActionContext) -> Effect:
    return Assign("manager", "Assign a manager")


@stage_action(unless_booked=True)
def send_vip_benefits_email(_: ActionContext) -> Effect:
    return CustomerMessage("vip_benefits")


@stage_action(needs_stage=True)
def create_quarterly_review(context: ActionContext) -> Effect:
    kind = QUARTERLY_REVIEW.removeprefix("create_")
    due_in, reason = timedelta(days=14), last_visit(context)
    return Task(kind, "Quarterly review", "manager", due_in, reason, repeat_days=QUARTER)


@stage_action()
def notify_account_manager(_: ActionContext) -> Effect:
    return StaffMessage("account_manager", "manager")


@stage_action(needs_stage=True)
def create_retention_campaign(_: ActionContext) -> Effect:
    return StartCampaign()


@stage_action()
def schedule_check_in_call(context: ActionContext) -> Effect:
    return Task("check_in_call", "Check-in call", "manager", timedelta(days=2), last_visit(context))


# -- caused by every transition ---------------------------------------------------------------------------------------


@action()
def ask_attendance(context: ActionContext) -> Effect:
    return Task("attendance", "Did they come?", "manager", timedelta(), booked_for(context))


@action()
def stage_changed(context: ActionContext) -> Effect:
    return WebhookEvent("journey.stage_changed", {"customer_id": context.customer_id, **context.transition})


# -- steps of the retention campaign ----------------------------------------------------------------------------------


@action(needs_stage=True, unless_booked=True)
def campaign_email(_: ActionContext) -> Effect:
    return CustomerMessage("campaign_email")


@action(needs_stage=True, unless_booked=True)
def campaign_sms(_: ActionContext) -> Effect:
    return CustomerMessage("campaign_sms")


@action(needs_stage=True, unless_booked=True)
def campaign_call(context: ActionContext) -> Effect:
    return Task("retention_call", "Win-back call", "manager", timedelta(days=1), last_visit(context))


@action(needs_stage=True, unless_booked=True)
def campaign_offer(_: ActionContext) -> Effect:
    return CustomerMessage("campaign_offer")


# -- requested by staff in the action centre --------------------------------------------------------------------------


@action()
def centre_call(context: ActionContext) -> Effect:
    return Task("personal_call", "Call", "manager", timedelta(days=1), last_visit(context))


@action()
def centre_follow_up(context: ActionContext) -> Effect:
    planned = context.detail.get("follow_up_at")
    due_in = datetime.fromisoformat(planned) - context.at if planned else timedelta(days=1)
    return Task(FOLLOW_UP_CALL, "Call again", "manager", due_in, contacted(context))


@action()
def centre_email(_: ActionContext) -> Effect:
    return CustomerMessage("centre_email")


@action()
def centre_offer(_: ActionContext) -> Effect:
    return CustomerMessage("centre_offer")
