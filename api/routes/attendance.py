"""Answers to the question whether a customer came, which a task asks when an appointment has no outcome."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.attendance_answers import Attendance, send_answer
from api.dependencies import CredentialDep, GatewayDep
from api.field_types import RowId
from api.openapi import json_answer, problems
from api.problems import not_found
from api.routes.appointments import BATCHES
from api.routes.tasks import EXAMPLE, change_task
from api.schemas.tasks import CustomerTask
from api.security.route_classes import scoped_route
from contracts.messages import FinishTask
from db.journeys.appointment_list import find_appointment
from db.journeys.appointments import catch_up
from db.outreach import task_queries
from db.people.api_keys import JOURNEYS_WRITE
from journey.appointments import appointment_key

router = APIRouter(tags=["tasks"], route_class=scoped_route(JOURNEYS_WRITE))


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
    """The task must be of the kind `attendance`. Sends an event with the booked time as `occurred_at`; an answer that
    corrects an earlier outcome is a moment later, so that it counts."""
    company_id = credential.company_id
    question = await task_queries.find_question(gateway.pool, company_id, task_id)
    if question is None:
        raise not_found("no such task of the kind attendance")
    customer_id, key, _, appointment_ids = question
    keys = [key, *map(appointment_key, appointment_ids)]
    await catch_up(gateway.pool, company_id, BATCHES)
    appointment = await find_appointment(gateway.pool, company_id, customer_id, keys)
    if appointment is None:
        raise not_found("the appointment that this task is about was retracted")
    await send_answer(gateway, company_id, customer_id, appointment, answer)
    return await change_task(gateway, credential, task_id, FinishTask(task_id, performed_by=credential.key_id))
