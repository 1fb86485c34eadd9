"""``/v1/templates``: the messages that there are, and the company's own words for them, by message and locale."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from activities.message_catalogue import TEMPLATES
from activities.previews import preview
from activities.rendering import CompanyTemplate, InvalidTemplate, check_template, fallbacks
from api.dependencies import CredentialDep, Gateway, GatewayDep
from api.field_types import storable
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.outreach import MessagePreview, Messages, SavedTemplate
from api.security.route_classes import scoped_route
from db.connections import tenant_transaction
from db.outreach import message_templates, outreach_settings
from db.people.api_keys import ADMIN, Credential

router = APIRouter(tags=["templates"], route_class=scoped_route(ADMIN))

LOCALE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"

Name = Annotated[str, Path(max_length=64, description="of `GET /v1/templates`", examples=["welcome"])]
Locale = Annotated[
    str, Path(pattern=LOCALE, description="BCP 47; `de` is for `de-AT` too, `en` for everybody", examples=["de"])
]
Source = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(storable)]

_OWN: dict[str, Any] = {
    "subject": "Willkommen bei {{ company_name }}",
    "html": None,
    "text": "Hallo {{ name }}, schön, dass Sie da sind!",
}
_LISTED = {
    "name": "welcome",
    "channel": "email",
    "to_staff": False,
    "marketing": False,
    "required": {"company_name": "the company's name"},
    "optional": {"name": "the customer's name", "unsubscribe_url": "the unsubscribe link"},
    "own": [{"locale": "de", "updated_at": "2026-03-02T10:15:00+00:00"}],
}
_SOURCES = {"name": "welcome", "locale": "de", **_OWN}


class Template(BaseModel):
    """Text with `{{ variables }}`, `{% if %}` and a few filters; an SMS has only `text`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_OWN]})

    subject: Source = ""
    html: Source | None = Field(default=None, description="without it the mail is text alone")
    text: Source


class Draft(BaseModel):
    """What is to be looked at: a draft, which is not saved, or without `text` what a customer would get now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"locale": "de"}, _OWN]})

    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"
    subject: Source = ""
    html: Source | None = None
    text: Source | None = None


@router.get(
    "/v1/templates",
    summary="The messages that there are",
    response_model=None,
    responses={
        200: json_answer(
            Messages,
            "Each message with the variables that a template of it may use, and the company's own templates.",
            {"templates": [_LISTED]},
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
    summary="The company's own words for a message",
    response_model=None,
    responses={200: json_answer(SavedTemplate, "The template as it was saved.", _SOURCES), **problems("not-found")},
)
async def get_template(name: Name, locale: Locale, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    _known(name)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        found = await message_templates.find_template(connection, credential.company_id, name, locale)
    if found is None:
        raise not_found("this company has no such template of its own")
    return {"name": name, "locale": locale, "subject": found[0], "html": found[1], "text": found[2]}


@router.put(
    "/v1/templates/{name}/{locale}",
    summary="Say it in the company's own words",
    response_model=None,
    responses={
        200: json_answer(SavedTemplate, "The template, which is used from the next message on.", _SOURCES),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def put_template(
    name: Name, locale: Locale, template: Template, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """It is checked and tried out before it is saved: what could not be sent later is refused now."""
    _known(name)
    source = (template.subject, template.html, template.text)
    await _check(name, CompanyTemplate(*source))
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        await message_templates.put_template(
            connection, credential.company_id, name, locale, source, by_key(credential)
        )
    return {"name": name, "locale": locale, **template.model_dump()}


@router.delete(
    "/v1/templates/{name}/{locale}",
    summary="Go back to the built-in words",
    status_code=204,
    response_model=None,
    responses={204: {"description": "It is forgotten."}, **problems("not-found")},
)
async def remove_template(name: Name, locale: Locale, gateway: GatewayDep, credential: CredentialDep) -> Response:
    _known(name)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        if not await message_templates.delete_template(
            connection, credential.company_id, name, locale, by_key(credential)
        ):
            raise not_found("this company has no such template of its own")
    return Response(status_code=204)


@router.post(
    "/v1/templates/{name}/preview",
    summary="Look at a message",
    response_model=None,
    responses={
        200: json_answer(
            MessagePreview,
            "The message with example values. `source`: `draft`, `own` (the company's) or `built-in`.",
            {"source": "draft", "subject": "Willkommen bei Salon Sophie", "html": None, "text": "Hallo Ada Example, …"},
        ),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def preview_template(name: Name, draft: Draft, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """Nothing is saved and nothing is sent."""
    _known(name)
    company, source, own = await _chosen(gateway, credential, name, draft)
    try:
        rendered = await asyncio.to_thread(preview, name, draft.locale, company, own)
    except InvalidTemplate as error:
        raise _invalid(error) from None
    return {"source": source, "subject": rendered.subject, "html": rendered.html, "text": rendered.text}


async def _chosen(
    gateway: Gateway, credential: Credential, name: str, draft: Draft
) -> tuple[str, str, CompanyTemplate | None]:
    """The company's name, and what is to be rendered: the draft, the company's own, or (None) ours."""
    own = None if draft.text is None else CompanyTemplate(draft.subject, draft.html, draft.text)
    if own is not None:
        await _check(name, own)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        company = await outreach_settings.load(connection, credential.company_id)
        assert company is not None  # a key's company is there
    if own is not None:
        return company[0], "draft", own
    locales = fallbacks(draft.locale)
    best = await message_templates.find_best_template(gateway.pool, credential.company_id, name, locales)
    return (company[0], "own", CompanyTemplate(*best[1])) if best else (company[0], "built-in", None)


def _known(name: str) -> None:
    if name not in TEMPLATES:
        raise not_found("no message is called that; there are " + ", ".join(TEMPLATES))


async def _check(name: str, own: CompanyTemplate) -> None:
    try:
        await asyncio.to_thread(check_template, name, own.subject, own.html, own.text)
    except InvalidTemplate as error:
        raise _invalid(error) from None


def _invalid(error: InvalidTemplate) -> Exception:
    place = f"line {error.line}: " if error.line else ""
    return invalid(error.part, f"line {error.line}" if error.line else "the whole of it", place + error.problem)
