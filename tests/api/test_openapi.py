"""The OpenAPI document, and the answers to requests generated from it."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from schemathesis import GenerationMode

from api.openapi import example
from api.problems import PROBLEMS
from journey.event_validation import parse
from journey.events import EVENT_TYPES
from tests.api.answers import check
from tests.api.conftest import Served, Tenant
from tests.api.test_auth import GUARDED, ROUTES, method, named

DESCRIBED = [route for route in ROUTES if route.include_in_schema]


@pytest.fixture
def document(gateway: Served) -> dict[str, Any]:
    found: dict[str, Any] = httpx2.get(gateway.url + "/openapi.json").json()
    return found


def test_every_route_is_described(document: dict[str, Any]) -> None:
    for route in DESCRIBED:
        operation = document["paths"][route.path][method(route).lower()]
        assert operation["summary"]
        if route.path.startswith("/v1/"):
            assert {"401", "403", "429", "503"} <= operation["responses"].keys()
        if route in GUARDED:
            assert operation["security"] == [{"key": []}, {"session": []}]
            assert "422" in operation["responses"]
            assert "example" in str(operation) or "requestBody" not in operation
    schemes = document["components"]["securitySchemes"]
    assert (schemes["key"]["scheme"], schemes["session"]["in"]) == ("bearer", "cookie")


def test_every_event_type_has_a_schema_and_an_example(document: dict[str, Any]) -> None:
    validator = Draft202012Validator({"$ref": "#/components/schemas/Event", "components": document["components"]})
    for name in EVENT_TYPES:
        validator.validate(example(name))
        parse(str(example(name)).replace("'", '"'))
        assert not validator.is_valid({**example(name), "unheard_of": 1})


def test_the_examples_of_request_bodies_are_valid(document: dict[str, Any], tenant: Tenant) -> None:
    content = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    for media_type, described in content.items():
        values = [e["value"] for e in described["examples"].values()] if "examples" in described else []
        for value in values or [described["example"]]:
            answer = tenant.client.post("/v1/events", json=value, headers={"Content-Type": media_type})
            assert (answer.status_code, answer.json()["rejected"]) == (202, [])


def test_the_docs_page(gateway: Served) -> None:
    page = httpx2.get(gateway.url + "/docs")
    assert "text/html" in page.headers["content-type"]
    assert "&quot;duration_seconds&quot;: 187" in page.text
    assert "<script" not in page.text
    assert 'src="' not in page.text


@pytest.mark.parametrize("kind", PROBLEMS)
def test_problem_types_are_explained(gateway: Served, kind: str) -> None:
    answer = httpx2.get(f"{gateway.url}/problems/{kind}")
    assert answer.status_code == 200
    assert PROBLEMS[kind][1] in answer.text


@pytest.mark.parametrize(
    ("verb", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/problems/none", 404, "not-found"),
        ("GET", "/v1/events", 405, "method-not-allowed"),
        ("DELETE", "/livez", 405, "method-not-allowed"),
        ("PUT", "/v1/customers/a/b/c", 404, "not-found"),
    ],
)
def test_errors_of_the_framework_are_problems(gateway: Served, verb: str, path: str, status: int, kind: str) -> None:
    answer = httpx2.request(verb, gateway.url + path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"https://perdure.example/problems/{kind}"
    assert answer.json()["status"] == status


def test_unexpected_errors_reveal_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, gateway: Served) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("db.journeys.projection.journey_json", broken)
    answer = tenant.client.get("/v1/portal/customers/c-1/journey")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "hunter2" not in answer.text
    assert answer.json()["type"].endswith("/internal")
    assert answer.headers["x-request-id"]


def test_a_valid_request_id_is_kept(gateway: Served) -> None:
    url = gateway.url + "/livez"
    assert httpx2.get(url, headers={"X-Request-Id": "abc-12345"}).headers["x-request-id"] == "abc-12345"
    assert httpx2.get(url, headers={"X-Request-Id": "a b"}).headers["x-request-id"] != "a b"


def test_metrics_contain_no_personal_data(tenant: Tenant, gateway: Served) -> None:
    tenant.client.post("/v1/events", json=tenant.event(customer_id="ada@example"))
    tenant.client.get("/v1/portal/customers/ada@example/journey")
    until = time.monotonic() + 5
    while "/portal/customers/{customer_id}/journey" not in (text := httpx2.get(gateway.url + "/metrics").text):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "perdure_events_accepted_total" in text
    assert "temporal_request" in text
    assert "ada@example" not in text


ENDLESS = {"/v1/portal/stream"}  # no parameters, and the response does not end
NO_HTTP = "Invalid HTTP request received."  # the server's own response to malformed headers


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("route", [route for route in DESCRIBED if route.path not in ENDLESS], ids=named)
def test_generated_requests_get_documented_answers(
    tenant: Tenant, gateway: Served, working: None, document: dict[str, Any], route: APIRoute, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_dict(document)[route.path][method(route)]

    @settings(
        max_examples=10,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=gateway.url, headers={"Authorization": f"Bearer {tenant.key}"})
        assert answer.status_code < 500, case.as_curl_command()
        if answer.text == NO_HTTP:
            return
        (content_type,) = answer.headers.get("content-type", [""])
        if answer.status_code >= 400:
            assert content_type == "application/problem+json"
        check(method(route), urlsplit(str(answer.request.url)).path, answer.status_code, content_type, answer.content)

    try:
        probe()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # a route without parameters accepts everything
