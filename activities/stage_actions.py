"""What each action does: one function for each, which says what is to be sent, made or assigned.

An action is found by its name in `ACTIONS`; where a new one goes is here, and nowhere else. The functions are given the
occasion and decide nothing about whether it may be done now (`journey/outreach.py` does) or how (`activities/act.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from journey.actions import QUARTER, QUARTERLY_REVIEW


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why an action is done: for which customer (the company's own id) and stage, at which step, with whose note.

    ``facts``: what a webhook tells about it.
    """

    customer_id: str
    stage: str
    step: str = "1"
    note: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail to the customer. ``offer``: it carries an offer's code; ``asks``: a link to give feedback."""

    template: str
    marketing: bool = False
    offer: bool = False
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """An SMS to the customer."""

    template: str
    marketing: bool = False


@dataclass(frozen=True, slots=True)
class StaffMail:
    """An e-mail to who has this role for the customer."""

    template: str
    role: str


@dataclass(frozen=True, slots=True)
class Task:
    """Work for a person of a role: for who looks after the customer in it, else for the least loaded."""

    kind: str
    title: str
    role: str
    due: timedelta
    #: the same again, after so many days, as long as the journey stays in the stage
    again: int | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """The customer is given to the least loaded active person of a role."""

    role: str
    title: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook event to every endpoint of the company. ``needed``: somebody must be there to be told."""

    type: str
    content: dict[str, Any]
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Campaign:
    """The retention campaign, by the company's plan."""


Effect = Mail | Text | StaffMail | Task | Assign | Notice | Campaign

ACTIONS: dict[str, Callable[[Occasion], Effect]] = {}


def action(function: Callable[[Occasion], Effect]) -> Callable[[Occasion], Effect]:
    ACTIONS[function.__name__] = function
    return function


@action
def send_welcome_email(occasion: Occasion) -> Effect:
    return Mail("welcome")


@action
def assign_to_sales_team(occasion: Occasion) -> Effect:
    return Assign("sales", f"Find somebody of sales for customer {occasion.customer_id}")


@action
def create_follow_up_task(occasion: Occasion) -> Effect:
    return Task("follow_up", f"Follow up with customer {occasion.customer_id}", "sales", timedelta(days=1))


@action
def send_onboarding_sequence(occasion: Occasion) -> Effect:
    return Mail(f"onboarding_{occasion.step}")


@action
def create_feedback_request(occasion: Occasion) -> Effect:
    return Mail("feedback_request", asks=True)


@action
def update_crm_status(occasion: Occasion) -> Effect:
    return Notice("customer.status_changed", {"customer_id": occasion.customer_id, **occasion.facts})


@action
def stage_changed(occasion: Occasion) -> Effect:
    return Notice("journey.stage_changed", {"customer_id": occasion.customer_id, **occasion.facts}, needed=False)


@action
def assign_dedicated_manager(occasion: Occasion) -> Effect:
    return Assign("manager", f"Find a manager for customer {occasion.customer_id}")


@action
def send_vip_benefits_email(occasion: Occasion) -> Effect:
    return Mail("vip_benefits", marketing=True)


@action
def create_quarterly_review(occasion: Occasion) -> Effect:
    title = f"Quarterly review with customer {occasion.customer_id}"
    return Task(QUARTERLY_REVIEW.removeprefix("create_"), title, "manager", timedelta(days=14), again=QUARTER)


@action
def notify_account_manager(occasion: Occasion) -> Effect:
    return StaffMail("account_manager", "manager")


@action
def create_retention_campaign(occasion: Occasion) -> Effect:
    return Campaign()


@action
def schedule_check_in_call(occasion: Occasion) -> Effect:
    return Task(
        "check_in_call", f"Call customer {occasion.customer_id}: no visit for a while", "manager", timedelta(days=2)
    )


@action
def campaign_email(occasion: Occasion) -> Effect:
    return Mail("campaign_email", marketing=True)


@action
def campaign_sms(occasion: Occasion) -> Effect:
    return Text("campaign_sms", marketing=True)


@action
def campaign_call(occasion: Occasion) -> Effect:
    return Task("retention_call", f"Call customer {occasion.customer_id}: win back", "manager", timedelta(days=1))


@action
def campaign_offer(occasion: Occasion) -> Effect:
    return Mail("campaign_offer", marketing=True, offer=True)


@action
def centre_call(occasion: Occasion) -> Effect:
    note = f": {occasion.note}" if occasion.note else ""
    return Task("personal_call", f"Call customer {occasion.customer_id}{note}"[:300], "manager", timedelta(days=1))


@action
def centre_email(occasion: Occasion) -> Effect:
    return Mail("centre_email", marketing=True)


@action
def centre_offer(occasion: Occasion) -> Effect:
    return Mail("centre_offer", marketing=True, offer=True)
