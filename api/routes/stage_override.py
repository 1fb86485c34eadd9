"""Manual changes of a journey: set its stage, hold it there, release it. The response is sent after the commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.dependencies import CredentialDep, CustomerId, GatewayDep
from api.journey_commands import execute_command
from api.openapi import json_answer, problems
from api.problems import invalid
from api.schemas.journeys import JourneyState
from api.security.route_classes import scoped_route
from contracts.messages import Release, SetStage
from db.people.api_keys import JOURNEYS_WRITE
from journey.stages import DEFAULT_RULEBOOK, Role
from journey.text import is_storable

router = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_WRITE))

(_VIP,) = DEFAULT_RULEBOOK.keys_with(Role.VIP)  # the examples are of a company with the default stages
_STATE = {"stage": _VIP, "entered_at": "2026-03-02T10:15:00Z", "held": True, "hold_until": "2026-06-01T00:00:00Z"}


def _reason(text: str) -> str:
    if not is_storable(text) or not text.strip():
        raise ValueError("1 to 1000 characters, not blank, no NUL")
    return text


class StageChange(BaseModel):
    """A manual change of stage, and an optional hold."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"stage": _VIP, "reason": "Signed a yearly contract", "hold_until": "2027-01-01T00:00:00Z"},
                {"stage": "customer", "reason": "Called back and apologised"},
            ]
        },
    )

    stage: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_reason)]
    hold: bool = Field(default=False, description="hold the journey in this stage until it is released")
    hold_until: AwareDatetime | None = Field(
        default=None, description="hold the journey in this stage until this time (RFC 3339)"
    )


@router.post(
    "/v1/customers/{customer_id}/stage",
    summary="Set a journey's stage",
    response_model=None,
    responses={
        200: json_answer(JourneyState, "The journey after the committed change.", _STATE),
        **problems("not-found", "too-large", "unsupported-media-type", "refused"),
    },
)
async def set_stage(
    customer_id: CustomerId, change: StageChange, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """Author, time and reason are recorded. Without a hold, the next evaluation may move the journey again."""
    rulebook = await gateway.rulebook(credential.company_id)
    if change.stage not in {stage.key for stage in rulebook.stages}:
        raise invalid("stage", change.stage, "one of " + ", ".join(stage.key for stage in rulebook.stages))
    request = SetStage(change.stage, change.reason, performed_by=credential.key_id, hold=change.hold)
    if change.hold_until is not None:
        request.hold, request.hold_until = True, _future(change.hold_until)
    return await execute_command(gateway, credential.company_id, customer_id, request)


@router.delete(
    "/v1/customers/{customer_id}/hold",
    summary="Release a held journey",
    response_model=None,
    responses={
        200: json_answer(JourneyState, "The journey after the committed release.", {**_STATE, "held": False}),
        **problems("not-found", "refused"),
    },
)
async def release_hold(customer_id: CustomerId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """The journey is evaluated immediately and follows the rules again. Without a hold nothing changes."""
    request = Release(performed_by=credential.key_id)
    return await execute_command(gateway, credential.company_id, customer_id, request)


def _future(moment: datetime) -> str:
    allowed = "a time in the future, before the year 2200"
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        raise invalid("hold_until", moment.isoformat(), allowed) from None
    if not datetime.now(UTC) < instant < datetime(2200, 1, 1, tzinfo=UTC):
        raise invalid("hold_until", moment.isoformat(), allowed)
    return instant.isoformat().replace("+00:00", "Z")
