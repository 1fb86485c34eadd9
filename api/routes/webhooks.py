"""``/v1/webhooks``: where the company's own systems are told of transitions. A secret is shown once."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from activities.channels.webhook import new_secret
from api.dependencies import CredentialDep, GatewayDep
from api.field_types import RowId, not_null, printable
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem
from api.schemas.outreach import ChangedWebhookEndpoint, NewWebhookEndpoint, WebhookEndpoints
from api.security.route_classes import scoped_route
from db.connections import Connection, tenant_transaction
from db.outreach import webhook_endpoints
from db.outreach.webhook_endpoints import Unsuitable
from db.people.api_keys import ADMIN

router = APIRouter(tags=["webhooks"], route_class=scoped_route(ADMIN))

_URL = "https://crm.example.com/hooks/perdure"
_SHOWN = {
    "id": 1,
    "url": _URL,
    "is_active": True,
    "rotating": False,
    "disabled_at": None,
    "disabled_reason": None,
    "created_at": "2026-03-02T10:15:00+00:00",
}
_WITH_SECRET = {**_SHOWN, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…"}


class NewEndpoint(BaseModel):
    """Where to: https, a public name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"url": _URL}]})

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(printable)]


class EndpointChange(BaseModel):
    """One change or several: they are made in the order in which they stand here."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"is_active": True}, {"rotate_secret": True}, {"finish_rotation": True}]},
    )

    finish_rotation: bool = Field(default=False, strict=True, description="forget the old secret")
    rotate_secret: bool = Field(
        default=False,
        strict=True,
        description="make a new secret; every event is signed with the old one too until the rotation is finished",
    )
    is_active: bool | None = Field(default=None, strict=True, description="whether events are sent there")

    _not_null = field_validator("is_active", mode="before")(not_null)


@router.get(
    "/v1/webhooks",
    summary="Where events are sent",
    response_model=None,
    responses={
        200: json_answer(
            WebhookEndpoints, "Every endpoint, without its secrets; one that is off says why.", {"webhooks": [_SHOWN]}
        ),
        **problems(),
    },
)
async def get_webhooks(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        return {"webhooks": await webhook_endpoints.listed(connection, credential.company_id)}


@router.post(
    "/v1/webhooks",
    summary="Send events to another endpoint",
    status_code=201,
    response_model=None,
    responses={
        201: json_answer(NewWebhookEndpoint, "The endpoint with its secret, which is shown this once.", _WITH_SECRET),
        **problems("too-large", "unsupported-media-type"),
    },
)
async def add_webhook(endpoint: NewEndpoint, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """Events are signed as Standard Webhooks say. An endpoint that answers 410 is switched off."""
    try:
        gateway.webhooks.check(endpoint.url)
    except ValueError as error:
        raise invalid("url", endpoint.url, str(error)) from None
    secret, company_id = new_secret(), credential.company_id
    try:
        async with tenant_transaction(gateway.pool, company_id) as connection:
            added = await webhook_endpoints.add(connection, company_id, endpoint.url, secret, by_key(credential))
    except Unsuitable as error:
        raise invalid("url", endpoint.url, str(error)) from None
    return {**added, "secret": secret}


@router.patch(
    "/v1/webhooks/{endpoint_id}",
    summary="Switch an endpoint, or rotate its secret",
    response_model=None,
    responses={
        200: json_answer(
            ChangedWebhookEndpoint,
            "The endpoint afterwards, with the new secret where one was asked for.",
            {**_WITH_SECRET, "rotating": True},
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type"),
    },
)
async def change_webhook(
    endpoint_id: RowId, change: EndpointChange, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """All of it or nothing."""
    try:
        async with tenant_transaction(gateway.pool, credential.company_id) as connection:
            changed = await _change(connection, credential.company_id, endpoint_id, change, by_key(credential))
    except Unsuitable as error:
        raise problem("conflict", str(error)) from None
    if changed is None:
        raise not_found("this company has no such endpoint")
    return changed


async def _change(
    connection: Connection, company_id: int, endpoint_id: int, change: EndpointChange, actor: str
) -> dict[str, Any] | None:
    secret: dict[str, str] = {}
    if change.finish_rotation:
        await webhook_endpoints.finish_rotation(connection, company_id, endpoint_id, actor)
    if change.rotate_secret:
        secret = {"secret": new_secret()}
        await webhook_endpoints.rotate(connection, company_id, endpoint_id, secret["secret"], actor)
    if change.is_active is not None:
        await webhook_endpoints.switch(connection, company_id, endpoint_id, on=change.is_active, actor=actor)
    found = await webhook_endpoints.find(connection, company_id, endpoint_id)
    return found and {**found, **secret}


@router.delete(
    "/v1/webhooks/{endpoint_id}",
    summary="Send nothing more to an endpoint",
    status_code=204,
    response_model=None,
    responses={204: {"description": "It is forgotten, with its secrets."}, **problems("not-found")},
)
async def remove_webhook(endpoint_id: RowId, gateway: GatewayDep, credential: CredentialDep) -> Response:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        if not await webhook_endpoints.remove(connection, credential.company_id, endpoint_id, by_key(credential)):
            raise not_found("this company has no such endpoint")
    return Response(status_code=204)
