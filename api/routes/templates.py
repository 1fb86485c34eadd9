"""`/v1/templates`: all messages, and the company's own templates by message and locale."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from activities.message_catalogue import TEMPLATES
from activities.previews import preview
from activities.rendering import CompanyTemplate, fallbacks
from api.dependencies import CredentialDep, Gateway, GatewayDep
from api.field_types import storable
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import not_found
from api.schemas.outreach import MessagePreview, Messages, SavedTemplate
from api.security.route_classes import scoped_route
from api.template_rendering import bounded_rendering
from db.connections import tenant_transaction
from db.outreach import message_templates, outreach_settings
from db.people.api_keys import ADMIN, Credential
from journey.locales import TEMPLATE_LOCALE

router = APIRouter(tags=["templates"], route_class=scoped_route(ADMIN))

Name = Annotated[
    str, Path(max_length=64, description="name of a message, see `GET /v1/templates`", examples=["welcome"])
]
Locale = Annotated[
    str,
    Path(
        pattern=TEMPLATE_LOCALE,
        description="BCP 47 language tag; `de` is also used for `de-AT`, and `en` for all other locales",
        examples=["de"],
    ),
]
Source = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(storable)]

_SOURCE_EXAMPLE: dict[str, Any] = {
    "subject": "Willkommen bei {{ company_name }}",
    "html": None,
    "text": "Hallo {{ name }}, schön, dass Sie da sind!",
}
_MESSAGE_EXAMPLE = {
    "name": "welcome",
    "channel": "email",
    "to_staff": False,
    "marketing": False,
    "required": {"company_name": "the company's name"},
    "optional": {"name": "the customer's name", "unsubscribe_url": "the unsubscribe link"},
    "own": [{"locale": "de", "updated_at": "2026-03-02T10:15:00+00:00"}],
}
_TEMPLATE_EXAMPLE = {"name": "welcome", "locale": "de", **_SOURCE_EXAMPLE}


class Template(BaseModel):
    """Text with `{{ variables }}`, `{% if %}` and a few filters; text messages use only `text`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_SOURCE_EXAMPLE]})

    subject: Source = ""
    html: Source | None = Field(default=None, description="null: plain text only")
    text: Source


class Draft(BaseModel):
    """A draft to preview; without `text`, the message that customers get now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"locale": "de"}, _SOURCE_EXAMPLE]})

    locale: Annotated[str, StringConstraints(pattern=TEMPLATE_LOCALE)] = "en"
    subject: Source = ""
    html: Source | None = None
    text: Source | None = None


@router.get(
    "/v1/templates",
    summary="List messages and templates",
    response_model=None,
    responses={
        200: json_answer(
            Messages,
            "Every message with the variables its templates may use, and the company's own templates.",
            {"templates": [_MESSAGE_EXAMPLE]},
        ),
        **problems(),
    },
)
async def get_templates(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        own = await message_templates.list_templates(connection, credential.company_id)
    return {
        "templates": [
            {
                "name": message.name,
                "channel": message.channel,
                "to_staff": message.to_staff,
                "marketing": message.marketing,
                "required": dict(message.required),
                "optional": dict(message.optional),
                "own": [{"locale": locale, "updated_at": at} for name, locale, at in own if name == message.name],
            }
            for message in TEMPLATES.values()
        ]
    }


@router.get(
    "/v1/templates/{name}/{locale}",
    summary="Get a template",
    response_model=None,
    responses={200: json_answer(SavedTemplate, "The template as saved.", _TEMPLATE_EXAMPLE), **problems("not-found")},
)
async def get_template(name: Name, locale: Locale, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    _known(name)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        saved = await message_templates.find_template(connection, credential.company_id, name, locale)
    if saved is None:
        raise not_found("the company has no template of its own for this message and locale")
    return {"name": name, "locale": locale, "subject": saved[0], "html": saved[1], "text": saved[2]}


@router.put(
    "/v1/templates/{name}/{locale}",
    summary="Save a template",
    response_model=None,
    responses={
        200: json_answer(SavedTemplate, "The template, which is used from the next message on.", _TEMPLATE_EXAMPLE),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def put_template(
    name: Name, locale: Locale, template: Template, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """The template is validated and rendered with example values before it is saved."""
    _known(name)
    source = (template.subject, template.html, template.text)
    await bounded_rendering(gateway.templates.check(credential.company_id, name, CompanyTemplate(*source)))
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        await message_templates.put_template(
            connection, credential.company_id, name, locale, source, by_key(credential)
        )
    return {"name": name, "locale": locale, **template.model_dump()}


@router.delete(
    "/v1/templates/{name}/{locale}",
    summary="Delete a template",
    status_code=204,
    response_model=None,
    responses={
        204: {"description": "The template was deleted; the built-in one is used again."},
        **problems("not-found"),
    },
)
async def remove_template(name: Name, locale: Locale, gateway: GatewayDep, credential: CredentialDep) -> Response:
    _known(name)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        if not await message_templates.delete_template(
            connection, credential.company_id, name, locale, by_key(credential)
        ):
            raise not_found("the company has no template of its own for this message and locale")
    return Response(status_code=204)


@router.post(
    "/v1/templates/{name}/preview",
    summary="Preview a message",
    response_model=None,
    responses={
        200: json_answer(
            MessagePreview,
            "The message with example values. `source` is `draft`, `own` (the company's template) or `built-in`.",
            {"source": "draft", "subject": "Willkommen bei Salon Sophie", "html": None, "text": "Hallo Ada Example, …"},
        ),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def preview_template(name: Name, draft: Draft, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """Nothing is saved and nothing is sent."""
    _known(name)
    company, source, own = await _chosen(gateway, credential, name, draft)
    if own is None:
        rendered = await asyncio.to_thread(preview, name, draft.locale, company)
    else:
        rendered = await bounded_rendering(
            gateway.templates.preview(credential.company_id, name, draft.locale, company, own)
        )
    return {"source": source, "subject": rendered.subject, "html": rendered.html, "text": rendered.text}


async def _chosen(
    gateway: Gateway, credential: Credential, name: str, draft: Draft
) -> tuple[str, str, CompanyTemplate | None]:
    """Return the company's name, the source, and the template to render (None: the built-in one)."""
    own = None if draft.text is None else CompanyTemplate(draft.subject, draft.html, draft.text)
    if own is not None:
        await bounded_rendering(gateway.templates.check(credential.company_id, name, own))
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        company = await outreach_settings.load(connection, credential.company_id)
        assert company is not None  # the company of a key exists
    if own is not None:
        return company[0], "draft", own
    locales = fallbacks(draft.locale)
    best = await message_templates.find_best_template(gateway.pool, credential.company_id, name, locales)
    return (company[0], "own", CompanyTemplate(*best[1])) if best else (company[0], "built-in", None)


def _known(name: str) -> None:
    if name not in TEMPLATES:
        raise not_found("no such message; available: " + ", ".join(TEMPLATES))
