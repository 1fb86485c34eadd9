"""Stage flow (Sankey): the moves of a period, step by step."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import Field

from api.analytics_parameters import AsOf, Period, parse_query
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.schemas.base import Count, Schema, StageKey
from api.security.route_classes import scoped_route
from db.analytics.sankey import MAX_STEPS, sankey
from db.people.api_keys import JOURNEYS_READ
from journey.stages import DEFAULT_RULEBOOK, Role

router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))


class SankeyNode(Schema):
    """A stage at one step of the diagram."""

    id: str = Field(description="`step:stage`")
    step: Count = Field(description="number of moves made in the period before this one")
    stage: StageKey


class SankeyLink(Schema):
    """Journeys that moved from one node to another."""

    source: str = Field(description="id of a node")
    target: str = Field(description="id of a node one step further")
    count: Count


class StageFlow(Schema):
    """Nodes and links of a Sankey diagram without cycles, by step and stage."""

    period: Period
    as_of: datetime
    nodes: list[SankeyNode]
    links: list[SankeyLink]


(_AT_RISK,) = DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)  # the example is of a company with the default stages
_EXAMPLE = {
    "period": "year",
    "as_of": "2026-03-12T09:00:00+00:00",
    "nodes": [
        {"id": "0:customer", "step": 0, "stage": "customer"},
        {"id": f"1:{_AT_RISK}", "step": 1, "stage": _AT_RISK},
        {"id": "2:customer", "step": 2, "stage": "customer"},
    ],
    "links": [
        {"source": "0:customer", "target": f"1:{_AT_RISK}", "count": 9},
        {"source": f"1:{_AT_RISK}", "target": "2:customer", "count": 4},
    ],
}


@router.get(
    "/v1/portal/analytics/sankey",
    summary="Stage flow (Sankey)",
    description="A node is a stage at a step, that is, after a number of moves in the period. So loops are visible and"
    f" links never lead back. For journeys with more than {MAX_STEPS} moves, the last link leads to their final stage.",
    response_model=None,
    responses={
        200: json_answer(StageFlow, "Nodes and links, by step and stage.", _EXAMPLE),
        **problems(),
    },
)
async def get_sankey(
    gateway: GatewayDep, credential: CredentialDep, period: Period = "month", as_of: AsOf = None
) -> Response:
    query = parse_query(await gateway.rulebook(credential.company_id), period, as_of)
    return Response(await sankey(gateway.pool, credential.company_id, query), media_type=JSON)
