"""Read the company's stages, rules and scoring, their versions and roll-outs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.dependencies import CredentialDep, GatewayDep
from api.openapi import json_answer, problems
from api.rule_versions import ROLLOUT_EXAMPLE, VERSION_EXAMPLE, RolloutId, described, etag, rollout
from api.schemas.stages import Presets, Rollout, RulebookVersions, Stages
from api.security.route_classes import scoped_route
from db.connections import tenant_transaction
from db.journeys import rulebook_versions
from db.people.api_keys import JOURNEYS_READ
from journey.presets import presets
from journey.stages import DEFAULT_RULEBOOK, rulebook_from

router = APIRouter(tags=["stages"], route_class=scoped_route(JOURNEYS_READ))


@router.get(
    "/v1/stages",
    summary="Get stages, rules and scoring",
    response_model=None,
    responses={
        200: json_answer(Stages, "All stages in order, with their rules, and the scoring.", DEFAULT_RULEBOOK.as_json()),
        **problems(),
    },
)
async def get_stages(gateway: GatewayDep, credential: CredentialDep, response: Response) -> dict[str, Any]:
    """The header `ETag` names the version; a change sends it back as `If-Match`."""
    rulebook = await gateway.rulebook(credential.company_id)
    response.headers["ETag"] = etag(rulebook.version)
    return rulebook.as_json()


@router.get(
    "/v1/stages/presets",
    summary="List the ready-made rulebooks",
    response_model=None,
    responses={200: json_answer(Presets, "Stages that can be sent as they are.", {"presets": []}), **problems()},
)
async def get_presets() -> dict[str, Any]:
    return {
        "presets": [
            {**preset._asdict(), "stages": rulebook_from(preset.stages).as_json()["stages"]} for preset in presets()
        ]
    }


@router.get(
    "/v1/stages/versions",
    summary="List the versions of the rules",
    response_model=None,
    responses={
        200: json_answer(
            RulebookVersions,
            "Every version, the newest first, with who made it, when and why.",
            {"versions": [{**VERSION_EXAMPLE, **DEFAULT_RULEBOOK.as_json()}]},
        ),
        **problems(),
    },
)
async def get_versions(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        current = await gateway.rulebooks.load(connection, credential.company_id)
        versions = await rulebook_versions.list_all(connection, credential.company_id)
    return {"versions": described(versions, current)}


@router.get(
    "/v1/stages/rollouts/{rollout_id}",
    summary="Get the progress of a roll-out",
    response_model=None,
    responses={
        200: json_answer(Rollout, "How many journeys the new version has reached, and what it moved.", ROLLOUT_EXAMPLE),
        **problems("not-found"),
    },
)
async def get_rollout(rollout_id: RolloutId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    return await rollout(gateway, credential.company_id, rollout_id)
