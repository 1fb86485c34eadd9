"""Answers to the question whether a customer came: the event that each becomes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Gateway
from api.event_intake import AcceptedEvent, recorded_outcomes, send_to_journeys, wait_for_outcomes
from api.problems import invalid, unavailable
from db.journeys.appointment_list import FoundAppointment
from journey.appointments import appointment_key
from journey.event_validation import InvalidEvent, from_fields
from journey.events import canonical, content_hash
from journey.time import to_micros

WAIT = 5.0  # seconds until the answer is applied


class Attendance(BaseModel):
    """What became of an appointment."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"outcome": "completed", "amount": "49.90"}]}
    )

    outcome: Literal["completed", "missed", "cancelled"]
    amount: str | float | None = Field(default=None, description="of a completed appointment, with two decimals")


async def send_answer(
    gateway: Gateway, company_id: int, customer_id: str, appointment: FoundAppointment, answer: Attendance
) -> None:
    """Send an answer as an event, and wait a little until it is applied. An answer that is known already is not sent.

    Raises a problem if the amount is invalid or Temporal does not respond.
    """
    event = _event(customer_id, appointment, answer, datetime.now(UTC))
    if event is None:
        return
    accepted = [AcceptedEvent(event, content_hash(event))]
    before = await recorded_outcomes(gateway.pool, company_id, accepted)
    if await send_to_journeys(gateway.temporal.client, company_id, accepted, 1):
        raise unavailable("Temporal")
    await wait_for_outcomes(gateway.pool, company_id, accepted, before, time.monotonic() + WAIT)


def _event(customer_id: str, appointment: FoundAppointment, answer: Attendance, now: datetime) -> dict[str, Any] | None:
    """Return the event of an answer; None if the appointment is as it says."""
    at = min(appointment.scheduled_for, now)
    # The latest event counts: an answer that corrects an earlier outcome is the first instant later.
    is_settled = appointment.outcome != "open"
    if appointment.last_event_at > at or (appointment.last_event_at == at and is_settled):
        at = appointment.last_event_at + timedelta(seconds=1)
    own_key = appointment_key(f"{customer_id}/{appointment.appointment_id}")
    fields = {
        "id": f"answer:{own_key}:{answer.outcome}:{to_micros(at)}",
        "type": f"appointment.{answer.outcome}",
        "customer_id": customer_id,
        "occurred_at": at.isoformat(),
        "appointment_id": appointment.appointment_id,
    }
    if answer.amount is not None:
        fields["amount"] = str(answer.amount)
    try:
        event = canonical(from_fields(fields))
    except InvalidEvent as error:
        raise invalid(error.field, answer.amount, error.problem) from None
    is_known = answer.outcome == appointment.outcome and event.get("amount") in (None, appointment.amount)
    return None if is_known else event
