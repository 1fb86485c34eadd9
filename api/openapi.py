"""What OpenAPI says beyond what FastAPI finds by itself: event schemas, examples, the problems of every route."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI

from api.event_formats import CLOUDEVENT, CLOUDEVENTS, JSON, MOST_EVENTS
from api.problems import PROBLEMS
from api.security.cookies import NAME as COOKIE
from journey.events import AMOUNT_LIMIT, EVENT_TYPES, AnyEvent

_REF = "#/components/schemas/{name}"

EXAMPLES: dict[str, dict[str, Any]] = {
    "call.received": {"duration_seconds": 187, "direction": "inbound"},
    "appointment.requested": {"appointment_id": "a-17", "scheduled_for": "2026-03-12T09:00:00+01:00"},
    "appointment.completed": {"appointment_id": "a-17", "amount": "129.50"},
    "appointment.missed": {"appointment_id": "a-18"},
    "appointment.cancelled": {"appointment_id": "a-19"},
    "payment.adjusted": {"amount": "-20.00"},
    "support_ticket.opened": {"ticket_id": "t-4"},
    "support_ticket.resolved": {"ticket_id": "t-4"},
    "feedback.received": {"rating": 5, "comment": "Friendly and on time."},
}


def example(event_type: str, number: int = 1) -> dict[str, Any]:
    """One event of a type, as it is sent."""
    head = {"id": f"e-{number}", "type": event_type, "customer_id": "c-1001", "occurred_at": "2026-03-02T10:15:00Z"}
    return head | EXAMPLES[event_type]


def _cloudevent() -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "/crm",
        "id": "17",
        "type": "com.example.appointment.completed",
        "subject": "c-1001",
        "time": "2026-03-02T10:15:00Z",
        "datacontenttype": JSON,
        "data": EXAMPLES["appointment.completed"],
    }


def event_schemas() -> dict[str, dict[str, Any]]:
    """JSON schemas of every event type, from the very types that validate, and of the envelopes."""
    (any_event,), schemas = msgspec.json.schema_components([AnyEvent], ref_template=_REF)
    for number, (name, cls) in enumerate(EVENT_TYPES.items(), 1):
        schema = schemas[cls.__name__]
        schema["examples"] = [example(name, number)]
        schema["properties"]["customer_id"] = _customer_id()
        if "amount" in schema["properties"]:
            schema["properties"]["amount"] = _amount(cls.__name__ == "PaymentAdjusted")
    text = {"type": "string", "minLength": 1}
    schemas["Event"] = any_event
    schemas["EventBatch"] = {
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": _ref("Event"), "minItems": 1, "maxItems": MOST_EVENTS},
        },
        "required": ["events"],
        "additionalProperties": False,
    }
    schemas["CloudEvent"] = {
        "type": "object",
        "description": "CloudEvents 1.0. The event's id is `source`, a space, `id`; `subject` is the customer.",
        "properties": {
            "specversion": {"const": "1.0"},
            "source": text,
            "id": text,
            "type": {"type": "string", "description": "a type of ours, alone or after a prefix like `com.example.`"},
            "subject": _customer_id(),
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": JSON},
            "data": {"type": "object", "description": "the fields of the type"},
        },
        "required": ["specversion", "source", "id", "type", "subject", "time"],
        "examples": [_cloudevent()],
    }
    return schemas


def _customer_id() -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "pattern": "^[A-Za-z0-9._:@-]{1,64}$"}, {"type": "integer"}]}


def _amount(signed: bool) -> dict[str, Any]:
    least = f"-{AMOUNT_LIMIT}" if signed else "0"
    return {
        "description": f"from {least} to {AMOUNT_LIMIT}, at most two decimals; text or number, exact either way",
        "anyOf": [
            {"type": "string", "pattern": rf"^{'-?' if signed else ''}[0-9]{{1,8}}(\.[0-9]{{1,2}})?$"},
            {"type": "number", "multipleOf": 0.01, "minimum": float(least), "maximum": float(AMOUNT_LIMIT)},
        ],
        **({} if signed else {"default": "0"}),
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}


EVENTS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        JSON: {
            "schema": {"anyOf": [_ref("Event"), _ref("EventBatch")]},
            "examples": {
                **{name: {"value": example(name, n)} for n, name in enumerate(EVENT_TYPES, 1)},
                "batch": {
                    "value": {"events": [example("call.received", 1), example("appointment.completed", 3)]},
                },
            },
        },
        CLOUDEVENT: {"schema": _ref("CloudEvent"), "example": _cloudevent()},
        CLOUDEVENTS: {
            "schema": {"type": "array", "items": _ref("CloudEvent"), "minItems": 1, "maxItems": MOST_EVENTS},
            "example": [_cloudevent()],
        },
    },
}


def problems(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: the problems of these kinds besides those that every guarded route has."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in ("unauthorised", "missing-scope", "invalid-request", "rate-limited", "unavailable", *kinds):
        status, title, _ = PROBLEMS[kind]
        shown = {"type": f"https://…/problems/{kind}", "title": title, "status": status}
        content = {"application/problem+json": {"schema": _ref("Problem"), "example": shown}}
        responses[status] = {"description": title, "content": content}
    return responses


def json_answer(description: str, example: object) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": {"type": "object"}, "example": example}}}


def complete(app: FastAPI) -> None:
    """Add to `app`'s OpenAPI the events' schemas and the way to authenticate."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(event_schemas())
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "an API key of the company, with its scopes"},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": COOKIE,
                "description": "a session that `POST /v1/session` began, with the scopes of its key; under https the"
                " cookie's name begins with `__Host-`. What changes something needs the header `X-CSRF-Token`.",
            },
        }
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents
