"""`/v1/webhooks`: endpoints that are notified of transitions. Secrets are shown only once."""

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
from db.outreach.webhook_endpoints import EndpointConflict
from db.people.api_keys import ADMIN

router = APIRouter(tags=["webhooks"], route_class=scoped_route(ADMIN))

_URL = "https://crm.example.com/hooks/perdure"
_EXAMPLE = {
    "id": 1,
    "url": _URL,
    "is_active": True,
    "rotating": False,
    "disabled_at": None,
    "disabled_reason": None,
    "created_at": "2026-03-02T10:15:00+00:00",
}
_WITH_SECRET = {**_EXAMPLE, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…"}


class NewEndpoint(BaseModel):
    """A new endpoint: an HTTPS URL with a public host name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"url": _URL}]})

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(printable)]


class EndpointChange(BaseModel):
    """Changes to an endpoint, made in the order of these fields."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"is_active": True}, {"rotate_secret": True}, {"finish_rotation": True}]},
    )

    finish_rotation: bool = Field(default=False, strict=True, description="delete the previous secret")
    rotate_secret: bool = Field(
        default=False,
        strict=True,
        description="create a new secret; until the rotation is finished, events are signed with both",
    )
    is_active: bool | None = Field(default=None, strict=True, description="whether events are sent to this endpoint")

    _not_null = field_validator("is_active", mode="before")(not_null)


@router.get(
    "/v1/webhooks",
    summary="List webhook endpoints",
    response_model=None,
    responses={
        200: json_answer(
            WebhookEndpoints,
            "All endpoints without their secrets; disabled ones with the reason.",
            {"webhooks": [_EXAMPLE]},
        ),
        **problems(),
    },
)
async def get_webhooks(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        return {"webhooks": await webhook_endpoints.list_all(connection, credential.company_id)}


@router.post(
    "/v1/webhooks",
    summary="Add a webhook endpoint",
    status_code=201,
    response_model=None,
    responses={
        201: json_answer(NewWebhookEndpoint, "The endpoint with its secret, which is shown only once.", _WITH_SECRET),
        **problems("too-large", "unsupported-media-type"),
    },
)
async def add_webhook(endpoint: NewEndpoint, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """Events are signed according to Standard Webhooks. An endpoint that returns 410 is disabled."""
    try:
        gateway.webhooks.check(endpoint.url)
    except ValueError as error:
        raise invalid("url", endpoint.url, str(error)) from None
    secret, company_id = new_secret(), credential.company_id
    try:
        async with tenant_transaction(gateway.pool, company_id) as connection:
            added = await webhook_endpoints.add(connection, company_id, endpoint.url, secret, by_key(credential))
    except EndpointConflict as error:
        raise invalid("url", endpoint.url, str(error)) from None
    return {**added, "secret": secret}


@router.patch(
    "/v1/webhooks/{endpoint_id}",
    summary="Change an endpoint or rotate its secret",
    response_model=None,
    responses={
        200: json_answer(
            ChangedWebhookEndpoint,
            "The endpoint after the change, with the new secret if one was requested.",
            {**_WITH_SECRET, "rotating": True},
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type"),
    },
)
async def change_webhook(
    endpoint_id: RowId, change: EndpointChange, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """All changes are made, or none."""
    try:
        async with tenant_transaction(gateway.pool, credential.company_id) as connection:
            changed = await _change(connection, credential.company_id, endpoint_id, change, by_key(credential))
    except EndpointConflict as error:
        raise problem("conflict", str(error)) from None
    if changed is None:
        raise not_found("no such webhook endpoint")
    return changed


async def _change(
    connection: Connection, company_id: int, endpoint_id: int, change: EndpointChange, actor: str
) -> dict[str, Any] | None:
    secret: dict[str, str] = {}
    if change.finish_rotation:
        await webhook_endpoints.finish_rotation(connection, company_id, endpoint_id, actor)
    if change.rotate_secret:
        secret = {"secret": new_secret()}
        await webhook_endpoints.rotate_secret(connection, company_id, endpoint_id, secret["secret"], actor)
    if change.is_active is not None:
        await webhook_endpoints.set_active(connection, company_id, endpoint_id, active=change.is_active, actor=actor)
    endpoint = await webhook_endpoints.find(connection, company_id, endpoint_id)
    return endpoint and {**endpoint, **secret}


@router.delete(
    "/v1/webhooks/{endpoint_id}",
    summary="Delete a webhook endpoint",
    status_code=204,
    response_model=None,
    responses={204: {"description": "Endpoint and its secrets deleted."}, **problems("not-found")},
)
async def remove_webhook(endpoint_id: RowId, gateway: GatewayDep, credential: CredentialDep) -> Response:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        if not await webhook_endpoints.delete(connection, credential.company_id, endpoint_id, by_key(credential)):
            raise not_found("no such webhook endpoint")
    return Response(status_code=204)
