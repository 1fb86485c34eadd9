"""`GET /v1/stages`: the company's stages, rules and scoring."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.dependencies import CredentialDep, GatewayDep
from api.openapi import json_answer, problems
from api.schemas.stages import Stages
from api.security.route_classes import scoped_route
from db.people.api_keys import JOURNEYS_READ
from journey.stages import DEFAULT_RULEBOOK

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
async def get_stages(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    return (await gateway.rulebook(credential.company_id)).as_json()
