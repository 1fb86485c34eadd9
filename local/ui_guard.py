"""What stands before the embedded Temporal UI: it answers only requests that are meant for this machine.

The UI answers whatever the `Host` header says. A web page whose name is made to resolve to 127.0.0.1 (DNS rebinding)
could use that to read and change workflows. So the UI has an address that a page cannot guess, and the guard has the
known one. The guard reads the head of each request, checks its host, and passes the rest on unread.
"""

import random
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import anyio
import httptools
from anyio.abc import ByteReceiveStream, ByteStream, Listener, SocketStream

from contracts.encryption import EncryptionKeys
from local import ui_codec

MAX_HEAD = 65_536  # bytes
HEAD_SECONDS = 10.0
ATTEMPTS = 20  # to connect to the UI, half a second apart: while it restarts
#: names of this machine, with any port: an SSH tunnel may have another one
_OWN_HOST = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_OF_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection"}


class Refused(Exception):
    """A request that is not passed on; the message is its status line and what to tell."""


class _Head:
    """The head of a request, as the parser reports it."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, part: bytes) -> None:
        self.url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


def hidden_address() -> tuple[str, int]:
    """Return a free address of this machine that nobody can guess; on systems with one loopback address, its port."""
    chance = random.SystemRandom()
    hosts = [".".join(["127", *(str(chance.randrange(1, 255)) for _ in range(3))]), "127.0.0.1"]
    for host in hosts:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((host, 0))
            return host, int(probe.getsockname()[1])
    raise OSError("no free port")


async def serve_guard(
    listener: Listener[SocketStream], ui: tuple[str, int], keys: EncryptionKeys | None = None
) -> None:
    """Pass requests to the UI at an address, until cancelled. With keys, also decode payloads for it (`ui_codec`)."""

    async def handle(client: SocketStream) -> None:
        # Whatever a client or the UI does to its connection concerns that connection only.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError):
            async with client:
                await _handle(client, ui, keys)

    async with listener:
        await listener.serve(handle)


async def _handle(client: SocketStream, ui: tuple[str, int], keys: EncryptionKeys | None) -> None:
    try:
        head, rest = await _read_head(client)
        request = checked(head)
        decoder = keys if request.path.startswith(ui_codec.PATH) else None
        body = b"" if decoder is None else await _read_body(client, rest, request.headers)
    except Refused as refusal:
        status, _, text = str(refusal).partition(": ")
        await _send(client, status, {"Content-Type": "text/plain; charset=utf-8"}, f"{text}\n".encode())
        return
    if decoder is not None:
        await _send(client, *await ui_codec.answer(request.method, request.path, request.headers, body, decoder))
        return
    async with await _connected(ui) as upstream:
        await upstream.send(request.passed_on + rest)
        async with anyio.create_task_group() as group:
            group.start_soon(_copy, client, upstream)
            await _copy(upstream, client)
            group.cancel_scope.cancel()  # the answer is complete


async def _send(client: SocketStream, status: str, headers: dict[str, str], body: bytes) -> None:
    fields = {**headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    await client.send("\r\n".join(lines).encode() + body)


async def _read_body(client: ByteReceiveStream, received: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the whole body of a request whose length is given."""
    length = headers.get("content-length", "0")
    if not re.fullmatch("[0-9]{1,9}", length) or int(length) > ui_codec.MAX_BODY:
        raise Refused(f"413 Content Too Large: at most {ui_codec.MAX_BODY} bytes")
    with anyio.move_on_after(HEAD_SECONDS):
        while len(received) < int(length):
            received += await client.receive()
        return received[: int(length)]
    raise Refused(f"408 Request Timeout: requests must be complete within {HEAD_SECONDS:g} seconds")


async def _read_head(client: ByteReceiveStream) -> tuple[bytes, bytes]:
    """Return the head of a request, and what came after it."""
    received = b""
    with anyio.move_on_after(HEAD_SECONDS):
        while b"\r\n\r\n" not in received and len(received) <= MAX_HEAD:
            received += await client.receive()
        head, end, rest = received.partition(b"\r\n\r\n")
        if len(head) > MAX_HEAD:
            raise Refused(f"431 Request Header Fields Too Large: headers may have {MAX_HEAD} bytes")
        return head + end, rest
    raise Refused(f"408 Request Timeout: headers must be complete within {HEAD_SECONDS:g} seconds")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is meant for this machine. Header names are in lower case.

    Attributes:
        passed_on: Its head as it is passed on: the only one of its connection, so that no other goes unchecked.
    """

    method: str
    path: str
    headers: dict[str, str]
    passed_on: bytes


def checked(head: bytes) -> Request:
    """Parse a request's head, and check for whom it is.

    Raises:
        Refused: It is invalid, or meant for another host.
    """
    parsed = _Head()
    parser = httptools.HttpRequestParser(parsed)
    try:
        with suppress(httptools.HttpParserUpgrade):
            parser.feed_data(head)
    except httptools.HttpParserError:
        raise Refused("400 Bad Request: the request cannot be parsed") from None
    hosts = [value.strip() for name, value in parsed.headers if name == b"host"]
    if len(hosts) != 1 or not _OWN_HOST.fullmatch(hosts[0]):
        shown = ", ".join(host.decode(errors="replace") for host in hosts) or "no host"
        raise Refused(f"421 Misdirected Request: {shown[:200]!r} is not this machine; use localhost or 127.0.0.1")
    kept = [(name, value) for name, value in parsed.headers if name not in _OF_CONNECTION]
    method = parser.get_method()
    lines = [b"%b %b HTTP/1.1" % (method, parsed.url), *(b"%b: %b" % header for header in kept)]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in kept}
    path = parsed.url.partition(b"?")[0].decode("latin-1")
    return Request(method.decode(), path, headers, b"\r\n".join([*lines, b"connection: close", b"", b""]))


async def _connected(ui: tuple[str, int]) -> SocketStream:
    for _ in range(ATTEMPTS):
        with suppress(OSError):
            return await anyio.connect_tcp(*ui)
        await anyio.sleep(0.5)
    return await anyio.connect_tcp(*ui)


async def _copy(source: ByteStream, target: ByteStream) -> None:
    async for part in source:
        await target.send(part)
    await target.send_eof()
