"""What holds for every route alike: headers of each response, HEAD, encoded bodies, redirects."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.api.conftest import Served, Tenant

CUSTOMER = "/v1/portal/customers/c-1/journey"


@pytest.fixture
def client(tenant: Tenant) -> Iterator[httpx2.Client]:
    """A client with a key that does not check answers against the description, which has neither HEAD nor itself."""
    with httpx2.Client(base_url=tenant.url, headers={"Authorization": f"Bearer {tenant.key}"}, timeout=30) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/livez", 200),
        ("/openapi.json", 200),
        ("/docs", 200),
        ("/metrics", 200),
        ("/v1/stages", 200),
        (CUSTOMER, 404),  # a hot route
        ("/v1/stages?" + "x" * 30_000, 200),
        ("/f/nothing", 404),
        ("/nowhere", 404),
    ],
)
def test_content_types_must_not_be_guessed(client: httpx2.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers.get_list("x-content-type-options")) == (status, ["nosniff"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/openapi.json", 200),
        ("/docs", 200),
        ("/problems/csrf", 200),
        ("/problems/none", 404),
        ("/v1/session", 204),
        ("/v1/stages", 200),
        ("/v1/stages/", 307),
        (CUSTOMER, 404),
        ("/v1/customers/c-1/explain", 404),
        ("/v1/portal/tasks?limit=x", 422),
        ("/v1/events", 405),
        ("/f/nothing", 404),
        ("/nowhere", 404),
    ],
)
def test_head_is_get_without_a_body(client: httpx2.Client, path: str, status: int) -> None:
    got, head = client.get(path), client.head(path)
    assert (got.status_code, head.status_code) == (status, status)
    assert head.content == b""
    varying = {"date", "x-request-id", "content-length"}
    for name in got.headers.keys() - varying:
        assert head.headers[name] == got.headers[name], name
    if path not in ("/readyz", "/metrics"):
        assert head.headers.get("content-length") == got.headers.get("content-length")


def test_head_needs_the_same_key(gateway: Served) -> None:
    assert httpx2.head(gateway.url + "/v1/stages").status_code == 401


def test_head_opens_no_stream(gateway: Served, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a stream was opened")

    with client.stream("GET", "/v1/portal/stream") as got:
        monkeypatch.setattr(gateway.app.state.gateway.change_streams, "listen", opened)
        head = client.head("/v1/portal/stream")
    assert (head.status_code, head.content, "content-length" in head.headers) == (200, b"", False)
    for name in ("content-type", "cache-control", "x-accel-buffering"):
        assert head.headers[name] == got.headers[name]


def test_head_is_allowed_where_get_is(client: httpx2.Client) -> None:
    assert client.post("/livez").headers["allow"] == "GET, HEAD"
    assert client.get("/v1/events").headers["allow"] == "POST"


def test_head_is_counted_as_head_of_its_route(client: httpx2.Client) -> None:
    client.head("/problems/csrf")
    counted = 'perdure_request_seconds_count{method="HEAD",route="/problems/{kind}",status="200"}'
    assert counted in client.get("/metrics").text


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/stages/", "/v1/stages"),
        ("/v1/stages///?a=1&b=%2F", "/v1/stages?a=1&b=%2F"),
        ("/v1/customers/a%3Fb/explain/", "/v1/customers/a%3Fb/explain"),
        ("/livez/", "/livez"),
    ],
)
def test_redirects_do_not_use_the_host_header(gateway: Served, path: str, location: str) -> None:
    for host in ("evil.example", "perdure.example"):
        answer = httpx2.get(gateway.url + path, headers={"Host": host, "X-Forwarded-Host": host})
        assert (answer.status_code, answer.headers["location"]) == (307, location)


@pytest.mark.parametrize("path", ["//evil.example/v1/stages/", "/nowhere/", "//evil.example/"])
def test_no_other_paths_are_redirected(gateway: Served, path: str) -> None:
    with httpx2.Client(base_url="http://unused") as plain:
        request = plain.build_request("GET", gateway.url + "/x")
        request.url = request.url.copy_with(raw_path=path.encode())
        assert plain.send(request).status_code == 404


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip", "x" * 100])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"),
        ("PUT", "/v1/customers/c-1"),
        ("PATCH", "/v1/staff/1"),
        ("POST", "/v1/session"),
        ("POST", "/v1/customers/c-1/stage"),
    ],
)
def test_encoded_bodies_are_refused(client: httpx2.Client, method: str, path: str, encoding: str) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    answer = client.request(method, path, content=gzip.compress(b"{}"), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert answer.json()["type"] == "https://perdure.example/problems/unsupported-media-type"
    assert answer.json()["detail"].startswith(f"Content-Encoding {encoding[:77]}")
    assert answer.json()["detail"].endswith(" is not supported; send the body uncompressed")
    assert answer.headers["accept-encoding"] == "identity"


def test_encoded_bodies_are_refused_after_authentication_and_before_reading(gateway: Served, tenant: Tenant) -> None:
    head = "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 500000\r\n"
    for key, status in (("nobodys", b"401"), (tenant.key, b"415")):
        with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), timeout=5) as connection:
            connection.sendall(f"{head}Authorization: Bearer {key}\r\n\r\n".encode())  # and nothing of the body
            assert connection.recv(65536).split(b" ")[1] == status


def test_identity_is_no_encoding(client: httpx2.Client) -> None:
    answer = client.put("/v1/customers/c-1", json={"name": "Ada"}, headers={"Content-Encoding": "identity"})
    assert answer.status_code == 200
