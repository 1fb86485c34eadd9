"""Booked appointments of a period with their risk of a no-show, and what became of each."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime

from api import cursors
from api.attendance_answers import Attendance, send_answer
from api.dependencies import CredentialDep, CustomerId, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.appointments import AppointmentsPage, CustomerAppointment
from api.security.route_classes import scoped_route
from db.analytics import no_show_models
from db.analytics.no_show_models import NoShows
from db.journeys.appointment_list import (
    AppointmentPosition,
    AppointmentSearch,
    ListedAppointment,
    find_appointment,
    list_appointments,
)
from db.journeys.appointments import catch_up
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE
from journey.identifiers import ANCHORED_CUSTOMER_ID
from journey.no_shows import reason

MAX_ROWS = 200
BATCHES = 3  # of customers whose bookings are read before an answer, if workers have not done so yet
DEFAULT_PERIOD = timedelta(days=7)

Outcome = Literal["open", "completed", "missed", "cancelled"]

_read = APIRouter(tags=["appointments"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["appointments"], route_class=scoped_route(JOURNEYS_WRITE))

_APPOINTMENT = {
    "key": "pJ2sT0_4",
    "appointment_id": "a-17",
    "customer_id": "c-1001",
    "name": "Ada Example",
    "phone": "+49 30 1234567",
    "current_stage": "customer",
    "scheduled_for": "2026-03-14T10:30:00+00:00",
    "booked_at": "2026-02-20T16:12:00+00:00",
    "service": "colour",
    "outcome": "open",
    "amount": None,
    "suggested_amount": "89.00",
    "task_id": None,
    "risk": {
        "probability": 0.18,
        "missed": 2,
        "outcomes": 9,
        "lead_days": 21.8,
        "reason": "missed 2 of 9, booked 3 weeks ahead",
    },
}
_MODEL = {
    "method": "own rate and lead time",
    "outcomes": 812,
    "misses": 71,
    "fitted_at": "2026-03-08T03:00:00+00:00",
    "comparison": {"own rate and lead time": {"auc": 0.68, "brier": 0.074, "calibration_error": 0.02}},
    "reason": None,
}


@_read.get(
    "/v1/portal/appointments",
    summary="List booked appointments",
    response_model=None,
    responses={
        200: json_answer(
            AppointmentsPage,
            "A page of appointments by booked time. `next_cursor` (null on the last page) is the `cursor` of the next"
            " page.",
            {"appointments": [_APPOINTMENT], "no_show_model": _MODEL, "is_current": True, "next_cursor": None},
        ),
        **problems(),
    },
)
async def get_appointments(
    gateway: GatewayDep,
    credential: CredentialDep,
    from_: Annotated[
        AwareDatetime | None, Query(alias="from", description="the first booked time; default: the start of today, UTC")
    ] = None,
    to: Annotated[
        AwareDatetime | None, Query(description="the booked time before which the list ends; default: 7 days later")
    ] = None,
    outcome: Annotated[
        list[Outcome] | None, Query(max_length=4, description="repeatable; default: all but `cancelled`")
    ] = None,
    customer_id: Annotated[str | None, Query(pattern=ANCHORED_CUSTOMER_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    """Appointments with a booked time (`scheduled_for`); moved ones only at their new time."""
    company_id = credential.company_id
    since = from_ or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    until = to or _after(since, DEFAULT_PERIOD)
    if until <= since:
        raise invalid("to", until.isoformat(), "a time after `from`")
    after = None if cursor is None else _position(cursor)
    outcomes = outcome or ("open", "completed", "missed")
    is_current = await catch_up(gateway.pool, company_id, BATCHES)
    search = AppointmentSearch(since, until, outcomes, customer_id, limit, after)
    rows, following = await list_appointments(gateway.pool, company_id, search)
    risks = await no_show_models.newest(gateway.pool, company_id)
    next_cursor = following and cursors.encode(
        "appointments", following.scheduled_for, following.customer, following.key
    )
    rest = {"no_show_model": _model(risks), "is_current": is_current, "next_cursor": next_cursor}
    listed = b",".join(_with_risk(row, risks) for row in rows)
    return Response(b'{"appointments":[' + listed + b"]," + orjson.dumps(rest)[1:], media_type=JSON)


@_write.post(
    "/v1/customers/{customer_id}/appointments/{key}/answer",
    summary="Say what became of an appointment",
    response_model=None,
    responses={
        200: json_answer(
            CustomerAppointment,
            "The appointment after the answer.",
            {"appointment": {**_APPOINTMENT, "outcome": "completed", "amount": "89.00", "risk": None}},
        ),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def answer_appointment(
    customer_id: CustomerId,
    key: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8}$", description="the appointment's `key`")],
    answer: Attendance,
    gateway: GatewayDep,
    credential: CredentialDep,
) -> Response:
    """Sends an event with the booked time as `occurred_at`, or the present time before it. An answer that corrects an
    earlier outcome is a moment later, so that it counts. A task that asks about the appointment is closed.
    """
    company_id = credential.company_id
    await catch_up(gateway.pool, company_id, BATCHES)
    found = await find_appointment(gateway.pool, company_id, customer_id, [key])
    if found is None:
        raise not_found("this customer has no such appointment")
    await send_answer(gateway, company_id, customer_id, found, answer)
    await catch_up(gateway.pool, company_id, BATCHES)
    instant = timedelta(microseconds=1)
    every: tuple[Outcome, ...] = ("open", "completed", "missed", "cancelled")
    search = AppointmentSearch(found.scheduled_for, found.scheduled_for + instant, every, customer_id)
    rows, _ = await list_appointments(gateway.pool, company_id, search)
    row = next((row for row in rows if row.position.key == key), None)
    if row is None:
        raise not_found("the appointment has just been moved or retracted")
    risks = await no_show_models.newest(gateway.pool, company_id)
    return Response(b'{"appointment":' + _with_risk(row, risks) + b"}", media_type=JSON)


def _with_risk(row: ListedAppointment, risks: NoShows) -> bytes:
    risk = None
    if row.outcome == "open" and risks.model is not None:
        numbers = row.missed, row.outcomes, row.lead_days
        risk = {
            "probability": round(risks.model.probability(*numbers), 3),
            "missed": row.missed,
            "outcomes": row.outcomes,
            "lead_days": round(row.lead_days, 1),
            "reason": reason(*numbers),
        }
    return row.text.encode()[:-1] + b',"risk":' + orjson.dumps(risk) + b"}"


def _model(risks: NoShows) -> dict[str, Any] | None:
    if risks.model is None:
        return None
    fields = asdict(risks)
    del fields["model"]
    return {"method": risks.model.method, **fields}


def _after(since: datetime, length: timedelta) -> datetime:
    try:
        return since + length
    except OverflowError:
        raise invalid("from", since.isoformat(), "a time before the year 9999") from None


def _position(cursor: str) -> AppointmentPosition:
    try:
        kind, at, customer, key = cursors.decode(cursor)
        if kind != "appointments" or not isinstance(key, str) or len(key) > 20 or "\0" in key:
            raise ValueError("cursor of another list")
        return AppointmentPosition(cursors.timestamp(at), cursors.row_id(customer), key)
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "the `next_cursor` of a page of appointments") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
