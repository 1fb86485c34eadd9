"""All messages, one row each: their channel, their audience, and the variables that a template of each may use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from activities.channels.email import EmailChannel
from activities.channels.sms import SmsChannel
from activities.template_variables import VARIABLES

EMAIL, SMS = EmailChannel.spec.name, SmsChannel.spec.name


@dataclass(frozen=True)
class Template:
    """A message by its name.

    Attributes:
        name: The name of its templates.
        channel: A name in `activities.channels.registry`.
        to_staff: Sent to staff instead of to the customer.
        marketing: It counts against the frequency cap, and a company's own template must contain the unsubscribe link.
        required: Variables that always have a value, with their meaning.
        optional: Variables that may be empty, with their meaning.
    """

    name: str
    channel: str
    to_staff: bool
    marketing: bool
    required: Mapping[str, str]
    optional: Mapping[str, str]

    @property
    def variables(self) -> Mapping[str, str]:
        return {**self.required, **self.optional}


def _described(*names: str) -> Mapping[str, str]:
    return {name: VARIABLES[name].description for name in names}


def to_customer(
    name: str,
    *,
    channel: str = EMAIL,
    marketing: bool = False,
    required: Iterable[str] = (),
    optional: Iterable[str] = (),
) -> Template:
    """Describe a message to the customer."""
    needed, allowed = _described("company_name", *required), _described("name", "unsubscribe_url", *optional)
    return Template(name, channel, False, marketing, needed, allowed)


def to_staff(name: str, *, required: Iterable[str], optional: Iterable[str]) -> Template:
    """Describe a message to a member of staff. It goes by e-mail, the only address that staff have."""
    needed = _described("company_name", *required)
    return Template(name, EMAIL, True, False, needed, _described("staff_name", "customer_name", *optional))


_OFFER = ("offer_code", "offer_percent", "offer_until")
_ROWS = (
    to_customer("welcome"),
    to_customer("onboarding_1"),
    to_customer("onboarding_2"),
    to_customer("onboarding_3"),
    to_customer("feedback_request", optional=["feedback_url"]),
    to_customer("vip_benefits", marketing=True, optional=["manager_name"]),
    to_customer("campaign_email", marketing=True),
    to_customer("campaign_offer", marketing=True, required=_OFFER),
    to_customer("campaign_sms", channel=SMS, marketing=True),
    to_customer("centre_email", marketing=True),
    to_customer("centre_offer", marketing=True, required=_OFFER),
    to_staff(
        "account_manager",
        required=["customer_id"],
        optional=["days_inactive", "risk", "reason", "dashboard_url"],
    ),
)

TEMPLATES: dict[str, Template] = {template.name: template for template in _ROWS}
