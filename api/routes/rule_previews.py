"""Preview changed rules: begin, follow, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api.dependencies import CredentialDep, GatewayDep
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem
from api.rule_previews import (
    EXAMPLE,
    PREVIEW_FIELDS,
    NoSuchVersion,
    PreviewId,
    Proposal,
    TooManyPreviews,
    begin_preview,
    delete_preview,
    described,
    no_preview,
    parse_since,
    preset_stages,
    recorded_preview,
)
from api.rule_versions import refuse_mistakes
from api.schemas.rule_previews import Preview, PreviewBegun
from api.security.route_classes import scoped_route
from db.people.api_keys import ADMIN, JOURNEYS_READ
from journey.presets import presets
from journey.stages import DEFAULT_RULEBOOK

_read = APIRouter(tags=["stages"], route_class=scoped_route(JOURNEYS_READ))
_change = APIRouter(tags=["stages"], route_class=scoped_route(ADMIN))


@_change.post(
    "/v1/stages/preview",
    summary="Preview changed rules",
    status_code=202,
    response_model=None,
    responses={
        202: json_answer(PreviewBegun, "The preview has begun.", {"id": 7}),
        **problems("too-large", "unsupported-media-type", "conflict", "not-found"),
    },
)
async def post_preview(
    body: Annotated[
        dict[str, Any],
        Body(
            description="the body of `PUT /v1/stages`; or `version`, to preview the restore of an earlier version; or"
            " `preset`, the key of a ready-made rulebook. Optional: `since`, from when on the past is compared",
            examples=[{"stages": DEFAULT_RULEBOOK.as_json()["stages"], "since": "2026-01-01T00:00:00Z"}],
        ),
    ],
    gateway: GatewayDep,
    credential: CredentialDep,
) -> dict[str, int]:
    """Say exactly what changed rules would do to the customers of now, and what they would have done in the past.

    Nothing is changed. A company can have two previews running at a time.
    """
    proposal = _proposal(body)
    try:
        since = parse_since(body.get("since"))
    except ValueError as error:
        raise invalid("since", body["since"], str(error)) from None
    try:
        preview_id = await begin_preview(
            gateway.temporal.client,
            gateway.pool,
            gateway.rulebooks,
            credential.company_id,
            proposal,
            since,
            by_key(credential),
        )
    except TooManyPreviews as error:
        numbers = ", ".join(map(str, error.running))
        raise problem("conflict", f"previews {numbers} are running; wait for them, or delete one") from None
    except NoSuchVersion as error:
        raise not_found(str(error)) from None
    return {"id": preview_id}


@_read.get(
    "/v1/stages/previews/{preview_id}",
    summary="Get a preview",
    response_model=None,
    responses={
        200: json_answer(Preview, "The progress, and the result once complete.", EXAMPLE),
        **problems("not-found"),
    },
)
async def get_preview(preview_id: PreviewId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """The numbers of the result are there once `status` is `complete`. A result is kept for a day."""
    return described(await recorded_preview(gateway, credential.company_id, preview_id))


@_change.delete(
    "/v1/stages/previews/{preview_id}",
    summary="Cancel a preview, or delete its result",
    status_code=204,
    responses=problems("not-found"),
)
async def remove_preview(preview_id: PreviewId, gateway: GatewayDep, credential: CredentialDep) -> None:
    if not await delete_preview(gateway.temporal.connected, gateway.pool, credential.company_id, preview_id):
        raise no_preview(preview_id)


def _proposal(body: dict[str, Any]) -> Proposal:
    """Return the rules that a body describes. Raises the problem 422 with every mistake."""
    if unknown := sorted(set(body) - set(PREVIEW_FIELDS)):
        raise invalid(unknown[0], body[unknown[0]], f"unknown field; allowed: {', '.join(PREVIEW_FIELDS)}")
    scoring, version, preset = body.get("scoring"), body.get("version"), body.get("preset")
    if "stages" not in body and preset is None and version is not None:
        if not isinstance(version, int) or isinstance(version, bool) or not 0 < version < 1 << 31:
            raise invalid("version", version, "the number of a version")
        if scoring is not None:
            raise invalid("scoring", scoring, "not together with version, which has its own")
        return Proposal(version=version)
    stages = body.get("stages")
    if preset is not None:
        if "stages" in body:
            raise invalid("preset", preset, "not together with stages")
        stages = preset_stages(preset)
        if stages is None:
            raise invalid("preset", preset, f"one of {', '.join(each.key for each in presets())}")
    refuse_mistakes({"stages": stages, "scoring": scoring})
    return Proposal(stages=stages, scoring=scoring, preset=preset)


router = APIRouter(routes=[*_read.routes, *_change.routes])
