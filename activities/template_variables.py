"""The variables of message templates, one function each: what it means, an example for previews, and its value.

A new variable is a function here and a name in the templates of ``message_catalogue.py`` that may use it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from inspect import isawaitable
from typing import Any
from urllib.parse import quote

from activities.channels import NotDelivered
from db.connections import Pool
from db.outreach.action_context import ActionContext
from db.people import assignments
from journey import signed_tokens
from journey.time import to_micros

FEEDBACK_PERIOD = timedelta(days=60)
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class MessageSource:
    """What the values of a message's variables are computed from."""

    context: ActionContext
    channel: str
    pool: Pool
    public_url: str
    link_secret: str | None
    staff_name: str | None = None

    @property
    def secret(self) -> str:
        """The secret that signs links. Raises NotDelivered if there is none."""
        if self.link_secret is None:
            raise NotDelivered("LINK_SECRET is not set; unsubscribe links cannot be signed without it", final=True)
        return self.link_secret

    @property
    def customer(self) -> tuple[int, str]:
        return self.context.company_id, self.context.customer_id


Value = str | int | float | None


@dataclass(frozen=True)
class Variable:
    """A variable. ``personal_link``: who has its value can act as the customer, so it is not kept with the message."""

    description: str
    example: str
    value: Callable[[MessageSource], Value | Awaitable[Value]]
    personal_link: bool = False


VARIABLES: dict[str, Variable] = {}


def variable(
    description: str, example: str, *, personal_link: bool = False
) -> Callable[[Callable[[MessageSource], Any]], Callable[[MessageSource], Any]]:
    """Register the function that computes the variable of the same name."""

    def register(value: Callable[[MessageSource], Any]) -> Callable[[MessageSource], Any]:
        VARIABLES[value.__name__] = Variable(description, example, value, personal_link)
        return value

    return register


async def values_of(names: Mapping[str, Any], source: MessageSource) -> dict[str, Value]:
    """Compute the values of these variables. Raises NotDelivered if links cannot be signed."""
    values: dict[str, Value] = {}
    for name in names:
        value = VARIABLES[name].value(source)
        values[name] = await value if isawaitable(value) else value
    return values


def last_day_of_offer(context: ActionContext) -> date:
    """Return until when an offer that is sent now is valid."""
    return (context.at + timedelta(days=context.outreach.offer_valid_days)).date()


def date_text(day: date, locale: str | None = None) -> str:
    """Format a date like ``14 March 2027`` in English, and like ``2027-03-14`` for any other language."""
    english = not locale or locale.lower().partition("-")[0] == "en"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}" if english else day.isoformat()


@variable("the company's name", "Example company")
def company_name(source: MessageSource) -> Value:
    return source.context.company_name


@variable("the customer's name", "Ada Example")
def name(source: MessageSource) -> Value:
    return source.context.profile.name


@variable("the unsubscribe link", "https://example.com/u/example", personal_link=True)
def unsubscribe_url(source: MessageSource) -> Value:
    token = signed_tokens.unsubscribe_token(source.secret, *source.customer, source.channel)
    return f"{source.public_url}/u/{token}"


@variable("the link to the feedback page", "https://example.com/f/example", personal_link=True)
def feedback_url(source: MessageSource) -> Value:
    expires_at = to_micros(source.context.at + FEEDBACK_PERIOD)
    token = signed_tokens.feedback_token(source.secret, *source.customer, source.context.action_ref, expires_at)
    return f"{source.public_url}/f/{token}"


@variable("the code of the offer", "BACK-7K2F9Q")
def offer_code(source: MessageSource) -> Value:
    return signed_tokens.offer_code(source.secret, *source.customer, source.context.action_ref)


@variable("the discount in percent", "15")
def offer_percent(source: MessageSource) -> Value:
    return source.context.outreach.offer_percent


@variable("the last day of the offer", "31 March 2027")
def offer_until(source: MessageSource) -> Value:
    return date_text(last_day_of_offer(source.context), source.context.profile.locale)


@variable("the name of the customer's manager, if one is assigned", "Grace Example")
async def manager_name(source: MessageSource) -> Value:
    context = source.context
    return await assignments.find_assigned_name(source.pool, context.company_id, context.relationship_id, "manager")


@variable("the recipient's name", "Grace Example")
def staff_name(source: MessageSource) -> Value:
    return source.staff_name


@variable("the customer's name", "Ada Example")
def customer_name(source: MessageSource) -> Value:
    return source.context.profile.name


@variable("the company's own id of the customer", "c-1001")
def customer_id(source: MessageSource) -> Value:
    return source.context.customer_id


@variable("whole days since the last appointment", "91")
def days_inactive(source: MessageSource) -> Value:
    last = source.context.journey_facts["last_appointment_at"]
    # an appointment may be a few minutes ahead, and the floor of a negative age is -1
    return max((source.context.at - datetime.fromisoformat(last)).days, 0) if last else None


@variable("the risk score, from 0 to 1", "0.60")
def risk(source: MessageSource) -> Value:
    score: Value = source.context.journey_facts["risk_score"]
    return score


@variable("the trigger of the stage change", "days_since_last_appointment")
def reason(source: MessageSource) -> Value:
    trigger: Value = source.context.transition.get("trigger_event")
    return trigger


@variable("the link to the customer's page in the dashboard", "https://example.com/customers/c-1001")
def dashboard_url(source: MessageSource) -> Value:
    return f"{source.public_url}/customers/{quote(source.context.customer_id, safe='')}"
