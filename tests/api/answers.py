"""Checks real answers of the gateway against its OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # ships no types

from api.app import create_app
from api.problems import PROBLEMS
from api.schemas.problems import schema_of
from settings import Settings

JSON, PROBLEM, EVENTS = "application/json", "application/problem+json", "text/event-stream"
FORMATS = FormatChecker(formats=())
#: (method, path of the route, status) of every answer that was checked
CHECKED: set[tuple[str, str, int]] = set()


@FORMATS.checks("date-time", ValueError)  # type: ignore[untyped-decorator]
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("date", ValueError)  # type: ignore[untyped-decorator]
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("uri")  # type: ignore[untyped-decorator]
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


@cache
def document() -> dict[str, Any]:
    """The description of a gateway with default settings."""
    return create_app(Settings()).openapi()


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in document()["paths"]]


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": document()["components"]}
    return Draft202012Validator(whole, format_checker=FORMATS)


def errors(value: object, schema: dict[str, Any]) -> Iterator[Any]:
    """Every difference of a value from a schema of the document."""
    found: Iterator[Any] = _validator(json.dumps(schema)).iter_errors(value)
    return found


def validate(value: object, schema: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError where a value differs from a schema of the document."""
    _validator(json.dumps(schema)).validate(value)


def check(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Fail where an answer is not documented or differs from its schema.

    Problems that the framework raises for unknown paths, methods and bodies are checked against their type alone.
    """
    media_type = content_type.partition(";")[0]
    matching = (route for pattern, route in _paths() if pattern.fullmatch(path))
    route = next((route for route in matching if method.lower() in document()["paths"][route]), None)
    responses = {} if route is None else document()["paths"][route][method.lower()]["responses"]
    response = responses.get(str(status))
    if response is None or media_type == EVENTS:
        assert media_type != JSON, f"{method} {path}: no answer with {status} is documented"
        if media_type == PROBLEM:
            _check_problem(json.loads(body))
        return
    if not body:
        assert "content" not in response, f"{method} {path}: {status} is documented with a body"
        return
    schema = response["content"][media_type]["schema"]
    value: Any = json.loads(body) if "json" in media_type else body.decode()
    validate(value, schema)
    if media_type == PROBLEM:
        _check_problem(value)
    assert route is not None
    CHECKED.add((method, route, status))


def _check_problem(value: dict[str, Any]) -> None:
    kind = value["type"].rpartition("/")[2]
    assert (value["status"], value["title"]) == PROBLEMS[kind][:2]
    validate(value, {"$ref": f"#/components/schemas/{schema_of(kind).__name__}"})


def check_response(response: httpx2.Response) -> None:
    """An event hook of clients: check every answer that is not a stream."""
    content_type = response.headers.get("content-type", "")
    if not content_type.startswith(EVENTS):
        request = response.request
        check(request.method, request.url.path, response.status_code, content_type, response.read())
