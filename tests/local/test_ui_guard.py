"""The guard before the embedded Temporal UI, with the real UI behind it."""

import json
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from pathlib import Path

import anyio
import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToJson, Parse
from temporalio.api.common.v1 import Payloads
from temporalio.converter import default

from contracts.encryption import KEY_BYTES, EncryptionKeys
from contracts.payload_codec import EncryptionCodec
from local import ui_codec, ui_guard
from local.embedded import Temporal, free_port, running
from local.ui_guard import Refused, checked, hidden_address, serve_guard

OWN = ["localhost", "LOCALHOST:8233", "127.0.0.1", "127.0.0.1:9000", "[::1]:8233"]
FOREIGN = [
    "evil.example",
    "127.0.0.1.evil.example",
    "evil.example:8233",
    "localhost.evil",
    "127.1.2.3",
    "127.0.0.1:",
    "",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(servers_allowed: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Temporal]:
    """A Temporal with its UI at a hidden address."""
    data: Path = tmp_path_factory.mktemp("ui")
    temporal = Temporal(data, port=free_port(), ui_address=hidden_address())
    temporal.argv += ["--http-port", str(free_port())]
    async with running(temporal):
        yield temporal


def get(port: int, path: str, host: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    response = connection.getresponse()
    return response.status, response.read().decode()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_ui_works_through_the_guard_and_answers_no_other_host(guarded: Temporal) -> None:
    assert guarded.ui_address is not None
    port = free_port()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with anyio.create_task_group() as group:
        group.start_soon(serve_guard, listener, guarded.ui_address)

        async def fetched(path: str, host: str) -> tuple[int, str]:
            return await anyio.to_thread.run_sync(get, port, path, host)

        for host in OWN:
            status, page = await fetched("/", host)
            assert (status, "<!doctype html>" in page.lower()) == (200, True)
        with anyio.fail_after(20):  # the UI's own connection to the server
            while (answer := await fetched("/api/v1/namespaces", f"localhost:{port}"))[0] == 503:
                await anyio.sleep(0.2)
        assert json.loads(answer[1])["namespaces"][0]["namespaceInfo"]["name"] == "default"
        for path in ("/", "/api/v1/namespaces"):
            status, text = await fetched(path, "evil.example")
            assert (status, "'evil.example' is not this machine" in text) == (421, True)
        status, text = await fetched("/" + "x" * 70_000, "localhost")
        assert status == 431
        group.cancel_scope.cancel()


def post(port: int, path: str, body: bytes, origin: str) -> tuple[int, str | None, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, body, {"Origin": origin, "Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.getheader("access-control-allow-origin"), response.read()


async def test_payloads_are_decoded_for_the_ui() -> None:
    """For pages of this machine; another page may not read the answer."""
    keys = EncryptionKeys([bytes(KEY_BYTES)])
    (clear,) = default().payload_converter.to_payloads(["needle"])
    sealed = Payloads(payloads=await EncryptionCodec(keys).encode([clear]))
    port = free_port()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with anyio.create_task_group() as group:
        group.start_soon(serve_guard, listener, ("127.0.0.1", free_port()), keys)

        async def decoded(body: bytes, origin: str = f"http://localhost:{port}") -> tuple[int, str | None, bytes]:
            return await anyio.to_thread.run_sync(post, port, f"{ui_codec.PATH}/decode", body, origin)

        text = MessageToJson(sealed).encode()
        assert b"needle" not in text
        status, origin, body = await decoded(text)
        assert (status, origin) == (200, f"http://localhost:{port}")
        assert list(Parse(body, Payloads()).payloads) == [clear]
        assert (await decoded(text, "http://evil.example"))[1] is None
        assert (await decoded(b"no JSON"))[0] == 400
        other = await EncryptionCodec(EncryptionKeys([bytes(range(KEY_BYTES))])).encode([clear])
        assert (await decoded(MessageToJson(Payloads(payloads=other)).encode()))[0] == 400
        group.cancel_scope.cancel()


@pytest.mark.asyncio(loop_scope="module")
async def test_temporals_own_http_api_answers_no_other_host(guarded: Temporal) -> None:
    port, path = int(guarded.argv[-1]), "/api/v1/namespaces"
    assert (await anyio.to_thread.run_sync(get, port, path, "evil.example"))[0] == 403
    assert (await anyio.to_thread.run_sync(get, port, path, f"127.0.0.1:{port}"))[0] == 200


@pytest.mark.parametrize("host", OWN)
def test_names_of_this_machine_pass(host: str) -> None:
    head = f"GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\nX-Kept: 1\r\n\r\n".encode()
    assert (
        checked(head).passed_on == f"GET /x HTTP/1.1\r\nhost: {host}\r\nx-kept: 1\r\nconnection: close\r\n\r\n".encode()
    )


@pytest.mark.parametrize("host", FOREIGN)
def test_other_names_do_not(host: str) -> None:
    with pytest.raises(Refused, match=r"^421 .* is not this machine"):
        checked(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "421"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "421"),
        (b"nonsense\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n evil\r\nno colon\r\n\r\n", "400"),
    ],
)
def test_heads_that_are_not_clear_do_not_pass(head: bytes, status: str) -> None:
    with pytest.raises(Refused, match=f"^{status} "):
        checked(head)


async def test_a_head_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui_guard, "HEAD_SECONDS", 0.2)
    port = free_port()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with anyio.create_task_group() as group:
        group.start_soon(serve_guard, listener, ("127.0.0.1", 9))
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"GET / HTTP/1.1\r\nHost: loc")
            assert (await stream.receive()).startswith(b"HTTP/1.1 408 ")
        group.cancel_scope.cancel()
