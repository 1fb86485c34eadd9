"""Every error that the gateway answers, as problem details (RFC 9457). `PROBLEMS` is the list that users can read."""

from collections.abc import Mapping
from http.client import responses
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_problem.handler import ExceptionHandler, add_exception_handler, new_exception_handler
from rfc9457 import Problem
from starlette.requests import ClientDisconnect
from temporalio.service import RPCError

RETRY_SECONDS = 2

#: type: (status, title, what it means and what to do)
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "bad-request": (400, "The request cannot be read", "The detail says why."),
    "unauthorised": (401, "No valid key", "Send `Authorization: Bearer KEY` with a key that is not revoked."),
    "csrf": (
        403,
        "Not sent by a page of ours",
        "Send the session's `csrf_token` as `X-CSRF-Token` (GET /v1/session has it), from the dashboard's own address.",
    ),
    "missing-scope": (403, "The key may not do this", "Use a key with the scope that the detail names."),
    "not-found": (404, "Not found", "There is no such thing in the key's company."),
    "method-not-allowed": (405, "No such method here", "The `Allow` header names the methods of this path."),
    "conflict": (409, "It does not stand as this needs it to", "The detail says how it stands; nothing was changed."),
    "too-large": (413, "The body is too large", "Send at most 1 MiB, and batches of at most 1000 events."),
    "unsupported-media-type": (415, "This content type is not understood", "The detail names those that are."),
    "invalid-request": (422, "The request is not valid", "`errors` names each field, its value and what is allowed."),
    "invalid-events": (422, "No event was valid", "`rejected` names each event's fields, values and what is allowed."),
    "refused": (422, "The journey refused the change", "The detail says why; nothing was changed."),
    "rate-limited": (429, "Too many requests", "Wait for the seconds that `Retry-After` says."),
    "unavailable": (503, "A part of the system does not answer", "Repeat after the seconds that `Retry-After` says."),
    "not-all-taken": (
        503,
        "Not every event could be stored",
        "Repeat the whole request with the same event ids: what was stored already counts once.",
    ),
    "internal": (500, "Unexpected error", "It was logged under the request id that the response's header names."),
}


def problem(kind: str, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **more: Any) -> Problem:
    """A problem of `PROBLEMS` to be raised; `more` stands beside the standard members."""
    status, title, _ = PROBLEMS[kind]
    return Problem(title, type_=kind, detail=detail, status=status, headers=dict(headers or {}), **more)


def not_found(what: str) -> Problem:
    return problem("not-found", what)


def invalid(field: str, value: object, allowed: str) -> Problem:
    """A 422 about one field, in the form of all validation errors."""
    error = {"field": field, "value": shown(value), "problem": allowed}
    return problem("invalid-request", f"{field}: {allowed}", errors=[error])


def unavailable(part: str, detail: str | None = None, *, kind: str = "unavailable", **more: Any) -> Problem:
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return problem(kind, detail or f"{part} does not answer; try again", headers=headers, part=part, **more)


def shown(value: object) -> str:
    """A value as it is quoted in an error: short, and text that any encoder takes."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 80 else text[:77] + "..."
    return text.encode(errors="replace").decode()


def make_handler(public_url: str) -> ExceptionHandler:
    """What answers every error as a problem whose type is an absolute URI under `public_url`."""
    return new_exception_handler(
        documentation_uri_template=public_url.rstrip("/") + "/problems/{type}",
        unhandled_wrappers=_WRAPPERS,  # type: ignore[arg-type]  # they are made like what is asked for
        request_validation_handler=_invalid_request,
        handlers={
            psycopg.OperationalError: lambda _handler, _request, _error: unavailable("Postgres"),
            RPCError: lambda _handler, _request, _error: unavailable("Temporal"),
            ClientDisconnect: lambda _handler, _request, _error: invalid("(body)", "nothing", "the body ended early"),
        },
    )


def install(app: FastAPI, handler: ExceptionHandler) -> None:
    """Let `handler` answer the errors of `app`."""
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    for error in (psycopg.OperationalError, RPCError, ClientDisconnect):
        app.add_exception_handler(error, handler)


class _Known(Problem):
    """A problem of `PROBLEMS` in place of what the framework would say."""

    kind: str
    tells = True

    def __init__(self, detail: str | None = None, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        status, title, _ = PROBLEMS[self.kind]
        kept = detail if self.tells and detail != responses[status] else None
        super().__init__(title, type_=self.kind, detail=kept, status=status, headers=dict(headers or {}), **more)


class _Internal(_Known):
    kind = "internal"
    tells = False  # what went wrong inside is for the log, not for the caller


class _BadRequest(_Known):
    kind = "bad-request"


class _NotFound(_Known):
    kind = "not-found"


class _MethodNotAllowed(_Known):
    kind = "method-not-allowed"


class _TooLarge(_Known):
    kind = "too-large"


_WRAPPERS = {
    "400": _BadRequest,
    "404": _NotFound,
    "405": _MethodNotAllowed,
    "413": _TooLarge,
    "500": _Internal,
}


def _invalid_request(_handler: ExceptionHandler, _request: Request, error: RequestValidationError) -> Problem:
    errors = []
    for found in error.errors():
        place = [str(part) for part in found["loc"] if part not in ("body", "query", "path", "header")]
        value = "nothing" if found["type"] == "missing" else found.get("input")
        errors.append({"field": ".".join(place) or "(body)", "value": shown(value), "problem": _said(found)})
    return problem("invalid-request", f"{errors[0]['field']}: {errors[0]['problem']}", errors=errors)


def _said(found: dict[str, Any]) -> str:
    """The message in the library's words or ours (a ValueError's), as text that any encoder takes."""
    message: str = found["msg"]
    return message.removeprefix("Value error, ").encode(errors="replace").decode()
