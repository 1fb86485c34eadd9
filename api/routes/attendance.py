"""Answers to the question whether a customer came, which a task asks when an appointment has no outcome."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import CredentialDep, GatewayDep
from api.event_intake import AcceptedEvent, send_to_journeys
from api.field_types import RowId
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, unavailable
from api.routes.tasks import EXAMPLE, change_task
from api.schemas.tasks import CustomerTask
from api.security.route_classes import scoped_route
from contracts.messages import FinishTask
from db.outreach import task_queries
from db.people.api_keys import JOURNEYS_WRITE
from journey.appointments import appointment_key
from journey.event_validation import InvalidEvent, from_fields
from journey.events import canonical, content_hash

router = APIRouter(tags=["tasks"], route_class=scoped_route(JOURNEYS_WRITE))


class Attendance(BaseModel):
    """What became of an appointment whose time has passed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"outcome": "completed", "amount": "49.90"}]}
    )

    outcome: Literal["completed", "missed", "cancelled"]
    amount: str | float | None = Field(default=None, description="of a completed appointment, with two decimals")


@router.post(
    "/v1/portal/tasks/{task_id}/answer",
    summary="Answer whether a customer came",
    response_model=None,
    responses={
        200: json_answer(
            CustomerTask,
            "The completed task.",
            {"customer_id": "c-1001", "task": {**EXAMPLE, "kind": "attendance", "status": "done"}},
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type", "refused"),
    },
)
async def answer_task(task_id: RowId, answer: Attendance, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """The task must be of the kind `attendance`. Sends an event with the booked time as `occurred_at`."""
    company_id = credential.company_id
    question = await task_queries.find_question(gateway.pool, company_id, task_id)
    if question is None:
        raise not_found("no such task of the kind attendance")
    customer_id, key, scheduled_for, appointment_ids = question
    fields = {
        "id": f"task:{task_id}:{answer.outcome}",
        "type": f"appointment.{answer.outcome}",
        "customer_id": customer_id,
        "occurred_at": scheduled_for,
        "appointment_id": next((id_ for id_ in appointment_ids if appointment_key(id_) == key), appointment_ids[0]),
    }
    if answer.amount is not None:
        fields["amount"] = str(answer.amount)
    try:
        event = canonical(from_fields(fields))
    except InvalidEvent as error:
        raise invalid(error.field, answer.amount, error.problem) from None
    accepted = AcceptedEvent(event, content_hash(event))
    if await send_to_journeys(gateway.temporal.client, company_id, [accepted], 1):
        raise unavailable("Temporal")
    return await change_task(gateway, credential, task_id, FinishTask(task_id, performed_by=credential.key_id))
