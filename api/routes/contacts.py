"""Contacts that people make with customers: what came of each, the next step, and who wants none."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

import orjson
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from rfc9457 import Problem

from api.dependencies import CredentialDep, CustomerId, Gateway, GatewayDep
from api.event_formats import JSON
from api.event_intake import AcceptedEvent, send_to_journeys
from api.field_types import Note, RowId
from api.journey_commands import IdempotencyKey, by_key, execute_command, update_id
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, unavailable
from api.schemas.contacts import ContactAllowed, ContactChannel, ContactOutcome, RecordedContact, RemovedContact
from api.security.route_classes import scoped_route
from contracts.messages import RecordContact, RemoveContact, validation_problem
from db.journeys.event_outcomes import find_outcomes
from db.outreach import contacts
from db.people import customers
from db.people.api_keys import JOURNEYS_WRITE, Credential
from journey.event_validation import InvalidEvent, from_fields
from journey.events import canonical, content_hash

router = APIRouter(tags=["contacts"], route_class=scoped_route(JOURNEYS_WRITE))

EXAMPLE = {
    "id": 7,
    "contacted_at": "2026-03-03T09:00:00+00:00",
    "channel": "phone",
    "outcome": "no_answer",
    "note": "Try again in the evening",
    "follow_up_at": "2026-03-04T17:00:00+00:00",
    "event_id": None,
    "closed_tasks": [17],
    "lifted_at": None,
    "performed_by": 3,
    "performed_by_name": "front desk",
}


class Appointment(BaseModel):
    """The appointment that the customer made in the contact."""

    model_config = ConfigDict(extra="forbid")

    scheduled_for: AwareDatetime = Field(description="a time in the future, at most five years ahead")
    service: Annotated[str, StringConstraints(max_length=64)] | None = None
    appointment_id: Annotated[str, StringConstraints(max_length=128)] | None = Field(
        default=None, description="id in the booking system, if it is known"
    )


class NewContact(BaseModel):
    """What came of a contact."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"channel": "phone", "outcome": "no_answer", "follow_up_at": "2026-03-04T18:00:00+01:00"},
                {
                    "channel": "phone",
                    "outcome": "booked",
                    "appointment": {"scheduled_for": "2026-03-12T09:00:00+01:00", "service": "colour"},
                },
            ]
        },
    )

    channel: ContactChannel
    outcome: ContactOutcome
    note: Note | None = None
    follow_up_at: AwareDatetime | None = Field(
        default=None, description="when to call again, in the future: a task is created for it"
    )
    appointment: Appointment | None = Field(
        default=None, description="only with the outcome `booked`: sends `appointment.requested`"
    )


@router.post(
    "/v1/customers/{customer_id}/contacts",
    summary="Record a contact with a customer",
    status_code=201,
    response_model=None,
    responses={
        201: json_answer(
            RecordedContact,
            "The contact was recorded.",
            {"customer_id": "c-1001", "contact": EXAMPLE, "appointment": None},
        ),
        **problems("not-found", "too-large", "unsupported-media-type", "refused"),
    },
)
async def record_contact(
    customer_id: CustomerId,
    contact: NewContact,
    gateway: GatewayDep,
    credential: CredentialDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Completes the customer's open call tasks, except a later follow-up call without a new `follow_up_at`. The note
    becomes a comment on these tasks.

    `do_not_contact` marks the customer: they get no messages and no call tasks, and no list contains them, until that
    is taken back.

    With an `appointment`, either the appointment and the contact are recorded, or the answer says what is missing;
    repeating the request with the same `Idempotency-Key` then adds only that.
    """
    company_id = credential.company_id
    command = RecordContact(
        contact.channel,
        contact.outcome,
        contact.note,
        None if contact.follow_up_at is None else contact.follow_up_at.isoformat(),
        performed_by=credential.key_id,
    )
    _check(contact, command)
    booking: dict[str, Any] | None = None
    if contact.appointment is not None:
        booking = _booking(customer_id, contact.appointment, credential, idempotency_key)
        await _send_booking(gateway, company_id, customer_id, booking)
        command.event_id = booking["id"]
    command_id = update_id(command, credential, idempotency_key)
    try:
        answer = await execute_command(gateway, company_id, customer_id, command, update_id=command_id)
    except Problem as error:
        if booking is not None:
            error.detail = (
                f"{error.detail} (the appointment was booked; only the contact is missing: repeat the request with the"
                " same Idempotency-Key)"
            )
        raise
    stored = await contacts.find_contact(gateway.pool, company_id, customer_id, command=answer["contact"])
    if stored is None:  # removed since an earlier request with this Idempotency-Key
        raise not_found("this contact was removed")
    if booking is not None:
        await _check_booked(gateway, company_id, booking["id"])
    return Response(
        b'{"customer_id":%b,"contact":%b,"appointment":%b}'
        % (orjson.dumps(customer_id), stored, orjson.dumps(booking and _shown(booking))),
        201,
        media_type=JSON,
    )


@router.delete(
    "/v1/customers/{customer_id}/contacts/{contact_id}",
    summary="Remove a contact that was recorded by mistake",
    response_model=None,
    responses={
        200: json_answer(RemovedContact, "The removed contact.", {"customer_id": "c-1001", "contact": EXAMPLE}),
        **problems("not-found", "conflict", "refused"),
    },
)
async def remove_contact(
    customer_id: CustomerId, contact_id: RowId, gateway: GatewayDep, credential: CredentialDep
) -> Response:
    """Within 24 hours. Reopens the tasks that the contact completed, cancels its follow-up, and takes back
    `do_not_contact`. An appointment that was made in the contact is retracted.
    """
    company_id = credential.company_id
    stored = await contacts.find_contact(gateway.pool, company_id, customer_id, contact_id=contact_id)
    if stored is None:
        raise not_found("this customer has no such contact")
    command = RemoveContact(contact_id, performed_by=credential.key_id)
    await execute_command(gateway, company_id, customer_id, command, conflicts=("contact_id",))
    if (booked := orjson.loads(stored)["event_id"]) is not None:
        await _retract_booking(gateway, company_id, customer_id, booked)
    return Response(b'{"customer_id":%b,"contact":%b}' % (orjson.dumps(customer_id), stored), media_type=JSON)


@router.delete(
    "/v1/customers/{customer_id}/do-not-contact",
    summary="Allow contact with a customer again",
    response_model=None,
    responses={
        200: json_answer(
            ContactAllowed,
            "The customer may be contacted.",
            {"customer_id": "c-1001", "do_not_contact_since": None},
        ),
        **problems("not-found"),
    },
)
async def allow_contact(customer_id: CustomerId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """Takes back the outcome `do_not_contact`; the contact itself stays on the timeline. Allowing it twice is not an
    error. Messages that were suppressed meanwhile are not sent.
    """
    company_id = credential.company_id
    if not await contacts.allow_contact(gateway.pool, company_id, customer_id, by_key(credential)):
        await _require_customer(gateway, company_id, customer_id)
    return {"customer_id": customer_id, "do_not_contact_since": None}


def _check(contact: NewContact, command: RecordContact) -> None:
    """Refuse what the journey would refuse, before anything is sent."""
    if contact.follow_up_at is not None and contact.follow_up_at <= datetime.now(UTC):
        raise invalid("follow_up_at", contact.follow_up_at.isoformat(), "a time in the future")
    if contact.appointment is not None:
        if contact.outcome != "booked":
            raise invalid("appointment", contact.outcome, "allowed only with the outcome `booked`")
        scheduled_for = contact.appointment.scheduled_for
        if scheduled_for <= datetime.now(UTC):
            raise invalid("appointment.scheduled_for", scheduled_for.isoformat(), "a time in the future")
    if refusal := validation_problem(command):
        field, _, allowed = refusal.partition(": ")
        raise invalid(field, getattr(command, field), allowed)


def _booking(customer_id: str, made: Appointment, credential: Credential, key: str | None) -> dict[str, Any]:
    """Return the fields of the event that books. The same key gives the same event."""
    token = sha256(f"{credential.key_id}:{customer_id}:{key}".encode()).hexdigest()[:32] if key else uuid4().hex
    fields = {
        "id": f"contact:{token}",
        "type": "appointment.requested",
        "customer_id": customer_id,
        "occurred_at": datetime.now(UTC).isoformat(),
        "scheduled_for": made.scheduled_for.isoformat(),
    }
    if made.service is not None:
        fields["service"] = made.service
    if made.appointment_id is not None:
        fields["appointment_id"] = made.appointment_id
    try:
        return canonical(from_fields(fields))
    except InvalidEvent as error:
        raise invalid(f"appointment.{error.field}", error.value, error.problem) from None


async def _send_booking(gateway: Gateway, company_id: int, customer_id: str, event: dict[str, Any]) -> None:
    """Send the event of a booking, unless an earlier request with the same key has."""
    await _require_customer(gateway, company_id, customer_id)  # an event would create them
    if await find_outcomes(gateway.pool, company_id, [event["id"]]):
        return
    accepted = AcceptedEvent(event, content_hash(event))
    if await send_to_journeys(gateway.temporal.client, company_id, [accepted], 1):
        raise unavailable("Temporal", "Temporal does not respond; neither the appointment nor the contact was recorded")


async def _retract_booking(gateway: Gateway, company_id: int, customer_id: str, event_id: str) -> None:
    fields = {
        "id": f"{event_id}:removed",
        "type": "event.retracted",
        "customer_id": customer_id,
        "occurred_at": datetime.now(UTC).isoformat(),
        "retracts": event_id,
        "reason": "the contact was removed",
    }
    event = canonical(from_fields(fields))
    if await send_to_journeys(gateway.temporal.client, company_id, [AcceptedEvent(event, content_hash(event))], 1):
        raise unavailable("Temporal", "the contact was removed, but its appointment was not retracted; cancel it")


async def _check_booked(gateway: Gateway, company_id: int, event_id: str) -> None:
    """Say so if the journey could not take the event, which it committed before the contact."""
    found = (await find_outcomes(gateway.pool, company_id, [event_id])).get(event_id, [])
    if not any(row.outcome == "applied" for row in found):
        raise unavailable("journey", "the contact was recorded, but the appointment was not; send it as an event")


async def _require_customer(gateway: Gateway, company_id: int, customer_id: str) -> None:
    if await customers.get(gateway.pool, company_id, customer_id) is None:
        raise not_found("there is no such customer")


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": event["id"],
        "appointment_id": event.get("appointment_id") or f"event:{event['id']}",
        "scheduled_for": event["scheduled_for"],
        "service": event.get("service"),
    }
