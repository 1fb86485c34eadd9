"""The messages that there are, and what a template of each may say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Template:
    """A message by its name.

    ``required`` and ``optional`` are the variables that a template may use, with what they are; an optional one may be
    empty. ``marketing`` messages count against the cap and must offer a way to unsubscribe.
    """

    name: str
    channel: Literal["email", "sms"]
    to_staff: bool
    marketing: bool
    required: Mapping[str, str]
    optional: Mapping[str, str]

    @property
    def variables(self) -> Mapping[str, str]:
        return {**self.required, **self.optional}


_COMPANY = {"company_name": "the company's name"}
_CUSTOMER = {"name": "the customer's name", "unsubscribe_url": "the link that ends this channel"}
_OFFER = {"offer_code": "the code", "offer_percent": "the discount in percent", "offer_until": "its last day"}
_STAFF = {"staff_name": "the colleague's name", "customer_name": "the customer's name"}


def _to_customer(
    name: str,
    *,
    channel: Literal["email", "sms"] = "email",
    marketing: bool = False,
    required: Mapping[str, str] | None = None,
    optional: Mapping[str, str] | None = None,
) -> Template:
    needs, may = {**_COMPANY, **(required or {})}, {**_CUSTOMER, **(optional or {})}
    return Template(name, channel, False, marketing, needs, may)


def _to_staff(name: str, required: Mapping[str, str], optional: Mapping[str, str]) -> Template:
    return Template(name, "email", True, False, {**_COMPANY, **required}, {**_STAFF, **optional})


_LISTED = (
    _to_customer("welcome"),
    _to_customer("onboarding_1"),
    _to_customer("onboarding_2"),
    _to_customer("onboarding_3"),
    _to_customer("feedback_request", optional={"feedback_url": "the link to the feedback page"}),
    _to_customer("vip_benefits", optional={"manager_name": "the customer's own contact"}),
    _to_customer("campaign_email", marketing=True),
    _to_customer("campaign_offer", marketing=True, required=_OFFER),
    _to_customer("campaign_sms", channel="sms", marketing=True),
    _to_customer("centre_email", marketing=True),
    _to_customer("centre_offer", marketing=True, required=_OFFER),
    _to_staff(
        "account_manager",
        {"customer_id": "the company's own id of the customer"},
        {
            "days_inactive": "whole days since the last appointment",
            "risk": "the risk score",
            "reason": "why the customer is at risk",
            "dashboard_url": "the link to the customer's page",
        },
    ),
)

TEMPLATES: Mapping[str, Template] = {template.name: template for template in _LISTED}
