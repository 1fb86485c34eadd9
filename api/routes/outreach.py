"""`/v1/outreach`: the company's outreach settings."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body

from api.dependencies import CredentialDep, GatewayDep
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid
from api.schemas.outreach import OutreachSettings
from api.security.route_classes import scoped_route
from db.connections import tenant_transaction
from db.outreach import outreach_settings
from db.people.api_keys import ADMIN
from journey.outreach import InvalidOutreach, Outreach, outreach_from

router = APIRouter(tags=["outreach"], route_class=scoped_route(ADMIN))

_DEFAULTS: dict[str, Any] = msgspec.to_builtins(Outreach())
_SETTINGS_EXAMPLE = {
    "time_zone": "Europe/Berlin",
    "quiet_from": "21:00",
    "cap_messages": 2,
    "sender_name": "Salon Sophie",
}


@router.get(
    "/v1/outreach",
    summary="Get the outreach settings",
    response_model=None,
    responses={
        200: json_answer(OutreachSettings, "All settings, with defaults where the company has not set any.", _DEFAULTS),
        **problems(),
    },
)
async def get_outreach(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        company = await outreach_settings.load(connection, credential.company_id)
    assert company is not None  # the company of a key exists
    return _shown(company[1])


@router.put(
    "/v1/outreach",
    summary="Replace the outreach settings",
    response_model=None,
    responses={
        200: json_answer(OutreachSettings, "All settings after the change.", {**_DEFAULTS, **_SETTINGS_EXAMPLE}),
        **problems("too-large", "unsupported-media-type"),
    },
)
async def put_outreach(
    settings: Annotated[
        dict[str, Any],
        Body(
            description="quiet hours in the customer's time zone (none if both times are equal), the cap on marketing"
            " messages, the sender, the offer, and the steps of the retention campaign; omitted fields get defaults",
            examples=[_SETTINGS_EXAMPLE, _DEFAULTS],
        ),
    ],
    gateway: GatewayDep,
    credential: CredentialDep,
) -> dict[str, Any]:
    """The settings apply to all messages not sent yet. A running campaign keeps its schedule."""
    try:
        outreach_from(settings)
    except InvalidOutreach as error:
        raise invalid(error.field, error.value, error.problem) from None
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        await outreach_settings.put(connection, credential.company_id, settings, by_key(credential))
    return _shown(settings)


def _shown(saved: object) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(outreach_from(saved))
    return shown
