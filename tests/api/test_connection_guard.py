"""Connections that keep the gateway waiting, or send headers without end: closed, and nobody else notices."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from api.security.connection_guard import ConnectionLimits, guarded, networks
from api.server import Server
from tests.api.conftest import Served
from tests.support.ports import unused_port

SHORT = ConnectionLimits(
    header_bytes=32 * 1024, header_seconds=0.6, body_seconds=0.6, per_address=5, public_url="https://perdure.example/"
)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body and the client's address."""
    assert scope["type"] == "http"
    body = await Request(scope, receive).body()
    await JSONResponse({"bytes": len(body), "client": scope["client"][0]})(scope, receive, send)


@contextmanager
def served(limits: ConnectionLimits) -> Iterator[int]:
    """A server with these limits in a thread; its port."""
    app, port = Starlette(routes=[Mount("/", echo)]), unused_port()
    config = uvicorn.Config(
        app, port=port, http=guarded(limits), lifespan="off", log_level="error", timeout_graceful_shutdown=1
    )
    server = Server(app, config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(SHORT) as port:
        yield port


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(5)
    return connection


def answer(connection: socket.socket) -> bytes:
    """All that the server sends until it closes or is silent for two seconds."""
    received = b""
    connection.settimeout(2)
    try:
        while part := connection.recv(65536):
            received += part
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def closes_within(connection: socket.socket, part: bytes, times: int, pause: float = 0) -> bool:
    """Whether the server closes while ``part`` is sent so many times."""
    try:
        for _ in range(times):
            connection.sendall(part)
            time.sleep(pause)
    except OSError:  # reset or broken pipe, whichever comes first
        return True
    return False


def test_an_endless_header_is_refused_at_once_and_holds_up_nobody(port: int) -> None:
    attacker, other = connect(port), connect(port)
    attacker.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    began = time.monotonic()
    assert closes_within(attacker, b"a" * 65536, times=2_000)
    other.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer(other).startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began < 2
    attacker.close()


def test_too_large_headers_are_answered_with_431(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 33_000)
        head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert json.loads(body) == {
        "type": "https://perdure.example/problems/headers-too-large",
        "title": "Request headers too large",
        "status": 431,
        "detail": "headers of at most 32768 bytes are allowed",
    }


def test_a_request_that_is_not_http_is_answered_with_a_problem(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"hello\r\n\r\n")
        head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
    assert json.loads(body)["type"] == "https://perdure.example/problems/bad-request"


@pytest.mark.parametrize("size", [16_000, 32_000])
def test_headers_up_to_the_limit_pass(port: int, size: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: " + b"a" * size + b"\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 200")


def test_many_small_headers_count_together(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 5_000)
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_an_endless_url_is_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /" + b"a" * 33_000)
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_trailers_and_chunk_extensions_have_the_same_limit(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for endless in (b"0\r\nX: " + b"a" * 70_000, b"1;x=" + b"a" * 70_000):
        with connect(port) as connection:
            connection.sendall(head + endless)
            received = answer(connection)
            assert b" 431 " in received.partition(b"\r\n")[0] or b" 400 " in received.partition(b"\r\n")[0], received


def test_a_body_may_be_much_larger_than_headers(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n")
        connection.sendall(b"a" * 3_000_000)
        assert json.loads(answer(connection).partition(b"\r\n\r\n")[2])["bytes"] == 3_000_000


def test_pipelined_requests_are_counted_one_by_one(port: int) -> None:
    one = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(one * 4)
        assert answer(connection).count(b"HTTP/1.1 200") == 4


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX: a"])
def test_headers_that_are_not_complete_in_time_end_the_connection(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        assert answer(connection) == b""
        assert time.monotonic() - began < 1.95  # closed by the server, not given up by this side


def test_headers_that_trickle_in_end_the_connection_too(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert closes_within(connection, b"X: a\r\n", times=40, pause=0.1)


def test_a_body_without_progress_ends_the_connection_and_one_with_progress_does_not(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 12\r\n\r\n"
    with connect(port) as stalled, connect(port) as slow:
        stalled.sendall(head + b"a")
        slow.sendall(head)
        for _ in range(12):  # each part within the limit, all together far beyond it
            slow.sendall(b"a")
            time.sleep(0.15)
        assert b'"bytes":12' in answer(slow)
        assert answer(stalled) == b""


def test_the_second_request_of_a_connection_has_the_same_limits(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert answer(connection) == b""


def test_open_connections_of_an_address_are_limited_and_given_back(port: int) -> None:
    time.sleep(2)  # until the connections of the other tests are closed
    connections = [connect(port) for _ in range(SHORT.per_address)]
    with connect(port) as one_more:
        head, _, body = answer(one_more).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["type"] == "https://perdure.example/problems/too-many-connections"
    for connection in connections:
        connection.close()
    time.sleep(0.3)
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 200")


def test_connections_of_trusted_proxies_are_not_limited() -> None:
    with served(ConnectionLimits(per_address=1, trusted=networks(["127.0.0.0/8"]))) as port:
        connections = [connect(port) for _ in range(10)]
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert answer(connection).startswith(b"HTTP/1.1 200")
            connection.close()


def test_the_gateway_itself_is_guarded(gateway: Served) -> None:
    port = int(gateway.url.rpartition(":")[2])
    with connect(port) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 33_000)
        head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["type"] == "https://perdure.example/problems/headers-too-large"


def test_networks_are_refused_by_name() -> None:
    assert [str(network) for network in networks(["10.1.2.3", " 10.0.0.0/8", "", "::1"])] == [
        "10.1.2.3/32",
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(ValueError, match="'proxy'"):
        networks(["proxy"])
