"""Error responses as problem details (RFC 9457). `PROBLEMS` lists every problem type, with its documentation."""

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

#: type: (status, title, explanation for users)
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "bad-request": (400, "Malformed request", "`detail` says what is wrong."),
    "unauthorised": (
        401,
        "Not authenticated",
        "Send `Authorization: Bearer KEY` with a valid API key that has not been revoked.",
    ),
    "csrf": (
        403,
        "CSRF check failed",
        "Send the session's `csrf_token` (see GET /v1/session) as `X-CSRF-Token`, from the dashboard's own origin.",
    ),
    "missing-scope": (403, "Missing scope", "Use an API key with the scope named in `scope`."),
    "not-found": (404, "Not found", "The resource does not exist, or belongs to another company."),
    "method-not-allowed": (405, "Method not allowed", "The `Allow` header lists the methods that this path supports."),
    "conflict": (409, "Conflict with the current state", "`detail` describes the current state. Nothing was changed."),
    "changed-meanwhile": (
        412,
        "Changed in the meantime",
        "Nothing was changed. Somebody else made a change since you read it: read it again, and change that.",
    ),
    "too-large": (413, "Request body too large", "Send at most 1 MiB, and at most 1000 events in a batch."),
    "unsupported-media-type": (415, "Unsupported content type", "`detail` says what is supported."),
    "invalid-request": (
        422,
        "Invalid request",
        "`errors` lists each invalid field with its value and what is allowed.",
    ),
    "invalid-events": (
        422,
        "No valid event",
        "`rejected` lists the invalid fields of each event with their values and what is allowed.",
    ),
    "refused": (422, "The journey refused the change", "`detail` says why. Nothing was changed."),
    "if-match-required": (
        428,
        "If-Match required",
        "Send the `ETag` of what you have read as `If-Match`, so that nobody's change is overwritten.",
    ),
    "rate-limited": (429, "Too many requests", "Wait for the number of seconds in `Retry-After`, then try again."),
    "headers-too-large": (
        431,
        "Request headers too large",
        "Send at most 32 KiB of headers, the request line included.",
    ),
    "unavailable": (
        503,
        "Service unavailable",
        "A part of the system does not respond. Try again after the number of seconds in `Retry-After`.",
    ),
    "too-many-connections": (
        503,
        "Too many connections",
        "Close unused connections of your address, or wait for the number of seconds in `Retry-After`.",
    ),
    "not-all-taken": (
        503,
        "Not every event was stored",
        "Send the whole request again with the same event ids. Events that were stored already count only once.",
    ),
    "internal": (500, "Internal error", "The error was logged under the request id in the `X-Request-Id` header."),
}


def problem(kind: str, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **more: Any) -> Problem:
    """Create a problem of `PROBLEMS` to raise; `more` are extension members."""
    status, title, _ = PROBLEMS[kind]
    return Problem(title, type_=kind, detail=detail, status=status, headers=dict(headers or {}), **more)


def not_found(detail: str) -> Problem:
    """Create a 404."""
    return problem("not-found", detail)


def invalid(field: str, value: object, allowed: str) -> Problem:
    """Create a 422 about one field, in the form of all validation errors."""
    error = {"field": field, "value": shown(value), "problem": allowed}
    return problem("invalid-request", f"{field}: {allowed}", errors=[error])


def unavailable(part: str, detail: str | None = None, *, kind: str = "unavailable", **more: Any) -> Problem:
    """Create a 503 with `Retry-After`; `part` names what does not respond."""
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return problem(kind, detail or f"{part} does not respond; try again", headers=headers, part=part, **more)


def shown(value: object) -> str:
    """Format a value for an error message: at most 80 characters, without lone surrogates."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 80 else text[:77] + "..."
    return text.encode(errors="replace").decode()


def type_uri(public_url: str, kind: str) -> str:
    """Return the absolute URI of a problem type, which leads to its explanation."""
    return f"{public_url.rstrip('/')}/problems/{kind}"


def make_handler(public_url: str) -> ExceptionHandler:
    """Create the handler that turns errors into problems, whose types are absolute URIs under `public_url`."""
    return new_exception_handler(
        documentation_uri_template=type_uri(public_url, "{type}"),
        unhandled_wrappers=_WRAPPERS,  # type: ignore[arg-type]  # called with the same arguments as the declared types
        request_validation_handler=_invalid_request,
        handlers={
            psycopg.OperationalError: lambda _handler, _request, _error: unavailable("Postgres"),
            RPCError: lambda _handler, _request, _error: unavailable("Temporal"),
            ClientDisconnect: lambda _handler, _request, _error: invalid(
                "(body)", "nothing", "the connection was closed before the whole body arrived"
            ),
        },
    )


def install(app: FastAPI, handler: ExceptionHandler) -> None:
    """Register `handler` for the errors of `app`."""
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    for error in (psycopg.OperationalError, RPCError, ClientDisconnect):
        app.add_exception_handler(error, handler)


class _FrameworkError(Problem):
    """A problem of `PROBLEMS` instead of the framework's own error response."""

    kind: str
    has_detail = True

    def __init__(self, detail: str | None = None, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        status, title, _ = PROBLEMS[self.kind]
        shown_detail = detail if self.has_detail and detail != responses[status] else None
        super().__init__(
            title, type_=self.kind, detail=shown_detail, status=status, headers=dict(headers or {}), **more
        )


class _Internal(_FrameworkError):
    kind = "internal"
    has_detail = False  # internal details belong in the log, not in a response


class _BadRequest(_FrameworkError):
    kind = "bad-request"


class _NotFound(_FrameworkError):
    kind = "not-found"


class _MethodNotAllowed(_FrameworkError):
    kind = "method-not-allowed"

    def __init__(self, detail: str | None = None, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        allowed = (headers or {}).get("Allow", "")
        if "GET" in allowed and "HEAD" not in allowed:  # see `HeadMiddleware`
            headers = {**(headers or {}), "Allow": allowed + ", HEAD"}
        super().__init__(detail, headers, **more)


class _UnsupportedMediaType(_FrameworkError):
    kind = "unsupported-media-type"


class _TooLarge(_FrameworkError):
    kind = "too-large"


_WRAPPERS = {
    "400": _BadRequest,
    "404": _NotFound,
    "405": _MethodNotAllowed,
    "413": _TooLarge,
    "415": _UnsupportedMediaType,
    "500": _Internal,
}


def _invalid_request(_handler: ExceptionHandler, _request: Request, error: RequestValidationError) -> Problem:
    errors = []
    for details in error.errors():
        path = [str(part) for part in details["loc"] if part not in ("body", "query", "path", "header")]
        value = "nothing" if details["type"] == "missing" else details.get("input")
        errors.append({"field": ".".join(path) or "(body)", "value": shown(value), "problem": _message(details)})
    return problem("invalid-request", f"{errors[0]['field']}: {errors[0]['problem']}", errors=errors)


def _message(details: dict[str, Any]) -> str:
    """Return pydantic's message, or that of a validator's ValueError, without lone surrogates."""
    message: str = details["msg"]
    return message.removeprefix("Value error, ").encode(errors="replace").decode()
