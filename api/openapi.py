"""Additions to FastAPI's OpenAPI document: event schemas, answer schemas, problem details and examples."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from api.event_formats import CLOUDEVENT, CLOUDEVENTS, JSON, MAX_EVENTS
from api.problems import PROBLEMS
from api.schemas.base import Schema
from api.schemas.events import StreamChange, StreamPing
from api.schemas.problems import BY_KIND, Problem, schema_of
from api.security.cookies import NAME as COOKIE
from journey.events import AMOUNT_LIMIT, EVENT_TYPES, AnyEvent, AppointmentCompleted
from journey.identifiers import ANCHORED_CUSTOMER_ID

_REF = "#/components/schemas/{name}"


def example(event_type: str, number: int = 1) -> dict[str, Any]:
    """Return an example event of a type."""
    head = {"id": f"e-{number}", "type": event_type, "customer_id": "c-1001", "occurred_at": "2026-03-02T10:15:00Z"}
    return head | EVENT_TYPES[event_type].example


def _cloudevent() -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "/crm",
        "id": "17",
        "type": "com.example.appointment.completed",
        "subject": "c-1001",
        "time": "2026-03-02T10:15:00Z",
        "datacontenttype": JSON,
        "data": AppointmentCompleted.example,
    }


def event_schemas() -> dict[str, dict[str, Any]]:
    """Return JSON schemas of every event type, from the types that validate events, and of batches and CloudEvents."""
    (any_event,), schemas = msgspec.json.schema_components([AnyEvent], ref_template=_REF)
    for number, (name, cls) in enumerate(EVENT_TYPES.items(), 1):
        schema = schemas[cls.__name__]
        schema["examples"] = [example(name, number)]
        schema["properties"]["customer_id"] = _customer_id()
        if cls.least_amount is not None:
            schema["properties"]["amount"] = _amount(cls.least_amount, required="amount" in schema["required"])
    text = {"type": "string", "minLength": 1}
    schemas["Event"] = any_event
    schemas["EventBatch"] = {
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": _ref("Event"), "minItems": 1, "maxItems": MAX_EVENTS},
        },
        "required": ["events"],
        "additionalProperties": False,
    }
    schemas["CloudEvent"] = {
        "type": "object",
        "description": "CloudEvents 1.0. The event id is `source`, a space and `id`; `subject` is the customer id.",
        "properties": {
            "specversion": {"const": "1.0"},
            "source": text,
            "id": text,
            "type": {"type": "string", "description": "an event type, optionally with a prefix such as `com.example.`"},
            "subject": _customer_id(),
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": JSON},
            "data": {"type": "object", "description": "the fields of the event type"},
        },
        "required": ["specversion", "source", "id", "type", "subject", "time"],
        "examples": [_cloudevent()],
    }
    return schemas


def _customer_id() -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "pattern": ANCHORED_CUSTOMER_ID}, {"type": "integer"}]}


def _amount(least: Decimal, *, required: bool) -> dict[str, Any]:
    return {
        "description": f"from {least} to {AMOUNT_LIMIT}, at most two decimals; a string or a number, both exact",
        "anyOf": [
            {"type": "string", "pattern": rf"^{'-?' if least < 0 else ''}[0-9]{{1,8}}(\.[0-9]{{1,2}})?$"},
            {"type": "number", "multipleOf": 0.01, "minimum": float(least), "maximum": float(AMOUNT_LIMIT)},
        ],
        **({} if required else {"default": "0"}),
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
            "schema": {"type": "array", "items": _ref("CloudEvent"), "minItems": 1, "maxItems": MAX_EVENTS},
            "example": [_cloudevent()],
        },
    },
}


def problems(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a guarded route for its `responses`: those that all of them have, and these `kinds`."""
    by_status: dict[int, list[str]] = {}
    for kind in ("unauthorised", "csrf", "missing-scope", "invalid-request", "rate-limited", "unavailable", *kinds):
        of_status = by_status.setdefault(PROBLEMS[kind][0], [])
        if kind not in of_status:
            of_status.append(kind)
    return {status: _problems_of_status(status, of_status) for status, of_status in by_status.items()}


def only(responses: dict[int | str, dict[str, Any]], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Keep the responses with these statuses."""
    return {status: responses[status] for status in statuses}


def _problems_of_status(status: int, kinds: list[str]) -> dict[str, Any]:
    titles = [PROBLEMS[kind][1] for kind in kinds]
    schemas = list(dict.fromkeys(schema_of(kind).__name__ for kind in kinds))
    references = [_ref(name) for name in schemas]
    content = {
        "schema": references[0] if len(references) == 1 else {"anyOf": references},
        "example": {"type": f"https://…/problems/{kinds[-1]}", "title": titles[-1], "status": status},
    }
    return {"description": " / ".join(titles), "content": {"application/problem+json": content}}


def json_answer(schema: type[Schema], description: str, example: object) -> dict[str, Any]:
    """Describe a JSON answer for a route's `responses`. The schema documents it; nothing is validated at run time."""
    return {"description": description, "model": schema, "content": {JSON: {"example": example}}}


def schema_reference(schema: type[Schema]) -> dict[str, Any]:
    """Refer to a schema that is part of the document for another reason, or that `_more_schemas` adds."""
    return _ref(schema.__name__)


def _more_schemas() -> dict[str, Any]:
    """Schemas that no route's `model` brings: problem details and the messages of the change stream."""
    models: list[type[Schema]] = [Problem, *BY_KIND.values(), StreamPing, StreamChange]
    _, schemas = models_json_schema(
        [(model, "serialization") for model in dict.fromkeys(models)],
        ref_template=_REF.format(name="{model}"),
    )
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions


def complete(app: FastAPI) -> None:
    """Add schemas and security schemes to the app's OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(event_schemas() | _more_schemas())
        # fastapi_problem adds this one although no route uses it, with a reference that leads nowhere.
        components["schemas"].pop("HTTPValidationError", None)
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "an API key of the company"},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": COOKIE,
                "description": "a session started with `POST /v1/session`, with the scopes of its API key. Over HTTPS"
                " its name starts with `__Host-`. Requests that change something need the header `X-CSRF-Token`.",
            },
        }
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does
