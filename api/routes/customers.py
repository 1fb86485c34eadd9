"""Customer profiles, the only place for names and contact details."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import structlog
from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from rfc9457 import Problem
from temporalio.service import RPCError

from api.dependencies import CredentialDep, CustomerId, Gateway, GatewayDep
from api.field_types import Email, Name, Phone
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.customers import CustomerProfile
from api.security.route_classes import scoped_route
from contracts.journey_client import announce_profile_change
from db.outreach import profile_waits
from db.people import customers
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE
from journey.identifiers import NO_EMAIL_ADDRESS, is_email_address
from journey.locales import normalized_locale
from journey.phone_numbers import MAX_LENGTH
from journey.quiet_hours import is_time_zone

ANNOUNCEMENT_LIMIT = 3.0  # seconds; the profile is stored already

_log = structlog.get_logger("gateway")

_read = APIRouter(tags=["customers"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["customers"], route_class=scoped_route(JOURNEYS_WRITE))


def _zone(text: str) -> str:
    if not is_time_zone(text):
        raise ValueError("an IANA time zone such as Europe/Berlin")
    return text


def _locale(text: str) -> str:
    locale = normalized_locale(text)
    if locale is None:
        raise ValueError("a BCP 47 language tag such as de-DE")
    return locale


class Profile(BaseModel):
    """A customer's profile. Omitted fields are cleared."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "Ada Example",
                    "email": "ada@example.com",
                    "phone": "+49 30 1234567",
                    "time_zone": "Europe/Berlin",
                    "locale": "de-DE",
                    "consent": {"email": True, "sms": False},
                }
            ]
        },
    )

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = Field(
        default=None,
        max_length=MAX_LENGTH,
        description="as people write it, with + and the country code if it is known; without it, the company's country"
        " is assumed",
    )
    time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(default=None, description="IANA name")
    locale: Annotated[str, AfterValidator(_locale)] | None = Field(default=None, description="BCP 47")
    consent: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")], bool] = Field(
        default_factory=dict, max_length=20, description="channel: whether outreach on it is allowed"
    )


@_read.get(
    "/v1/customers/{customer_id}",
    summary="Get a customer's profile",
    response_model=None,
    responses={
        200: json_answer(CustomerProfile, "The profile.", {"customer_id": "c-1001", "name": "Ada Example"}),
        **problems("not-found"),
    },
)
async def get_profile(customer_id: CustomerId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    profile = await customers.get(gateway.pool, credential.company_id, customer_id)
    if profile is None:
        raise not_found("there is no such customer")
    return profile


@_write.put(
    "/v1/customers/{customer_id}",
    summary="Replace a customer's profile",
    response_model=None,
    responses={
        200: json_answer(CustomerProfile, "The stored profile.", {"customer_id": "c-1001", "name": "Ada Example"}),
        **problems("too-large", "unsupported-media-type"),
    },
)
async def put_profile(
    customer_id: CustomerId, profile: Profile, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """Creates the customer if necessary. The journey starts with the first event, not with the profile.

    Messages that wait for the address or consent that the profile has now are sent at once.

    If the customer has unsubscribed from a channel, consent to it stays `false` whatever an API key sends, and
    `consent_withdrawn` lists the channel. Staff who are signed in to the dashboard can allow it again.
    """
    if not credential.email_ids and is_email_address(customer_id):
        raise invalid("customer_id", customer_id, NO_EMAIL_ADDRESS)
    staff = by_key(credential) if credential.from_session else None
    company_id = credential.company_id
    stored = await customers.put_profile(gateway.pool, company_id, customer_id, profile.model_dump(), restored_by=staff)
    await _retry_what_waits(gateway, company_id, customer_id)
    return stored


async def _retry_what_waits(gateway: Gateway, company_id: int, customer_id: str) -> None:
    """Have messages tried again that wait for this profile. Without Temporal, they are at the end of their wait."""
    waits = await profile_waits.find_profile_waits(gateway.pool, company_id, customer_id)
    if not waits.journey and not waits.campaigns:
        return
    try:
        async with asyncio.timeout(ANNOUNCEMENT_LIMIT):
            await announce_profile_change(
                gateway.temporal.client, company_id, customer_id, journey=waits.journey, campaigns=waits.campaigns
            )
    except (RPCError, TimeoutError, Problem) as error:
        _log.warning("a changed profile was not announced", company=company_id, error=type(error).__name__)


router = APIRouter(routes=[*_read.routes, *_write.routes])
