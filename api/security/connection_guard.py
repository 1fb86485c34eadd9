"""Limits on connections, applied while a request is parsed, before anything knows who sends it.

uvicorn with httptools limits neither the size of headers nor the time that they take, and one unauthenticated
connection with an endless header value could hold the event loop for seconds. `guarded` makes a protocol class that

- answers 431 and closes when headers (or trailers, or chunk extensions) exceed ``header_bytes``;
- closes a connection whose headers are not complete within ``header_seconds``, or whose body makes no progress for
  ``body_seconds``;
- answers 503 and closes when an address has ``per_address`` connections open already, except for trusted proxies;
- answers 400 and closes when the request is not HTTP.

These answers are problem details like all others.

httptools stays the parser: it is several times as fast as h11, which has a limit of size but none of time.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import responses
from typing import Any, ClassVar

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import PROBLEMS, type_uri
from api.security.ip_rate_limit import client_network

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class ConnectionLimits:
    """What one connection may use, and how many connections one address may have open.

    Args:
        header_bytes: Size of the request line and all headers together; also of trailers and chunk extensions.
        header_seconds: From the first byte (on a new connection: from its start) to the end of the headers.
        body_seconds: Between two parts of a body, while the gateway is ready to read.
        per_address: Open connections of one IPv4 address or one IPv6 /64 network.
        trusted: Networks whose connections are not counted: reverse proxies.
        public_url: The gateway's own URL, where problem types are explained.
    """

    header_bytes: int = 32 * 1024
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    per_address: int = 200
    trusted: tuple[Network, ...] = ()
    public_url: str = ""

    def is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse addresses and networks (``10.0.0.0/8``). Raises ValueError that quotes the one that is neither."""
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts if text.strip())


class GuardedProtocol(HttpToolsProtocol):
    """One connection within `ConnectionLimits`. `guarded` makes the subclass that a server uses."""

    limits: ClassVar[ConnectionLimits]
    open_by_address: ClassVar[Counter[str]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counted: str | None = None  # the address that this connection counts for
        self._unread = 0  # bytes since the parser last reported the end of headers or a part of a body
        self._headers_since: float | None = None  # loop time; None while no headers are awaited
        self._body_since: float | None = None  # loop time of the last part of a body; None while none is awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._headers_since = self.loop.time()
        address = self.client[0] if self.client else ""
        if not address or self.limits.is_trusted(address):
            return
        key = client_network(address)
        if self.open_by_address[key] >= self.limits.per_address:
            self._refuse("too-many-connections", "too many open connections from this address")
            return
        self._counted = key
        self.open_by_address[key] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted is not None:
            self.open_by_address[self._counted] -= 1
            if not self.open_by_address[self._counted]:
                del self.open_by_address[self._counted]
            self._counted = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._headers_since is None and self._body_since is None:
            self._headers_since = self.loop.time()  # the first byte of the next request
        limit = self.limits.header_bytes
        if len(data) <= limit - self._unread:  # nearly always
            self._feed(data)
            return
        view = memoryview(data)
        while view and not self.transport.is_closing():
            # never more at once than may stand unread: what is fed beyond the limit has cost its time already
            part = max(1, limit - self._unread)
            self._feed(bytes(view[:part]))
            view = view[part:]

    def _feed(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread >= self.limits.header_bytes and not self.transport.is_closing():
            self._refuse(
                "headers-too-large",
                f"headers of at most {self.limits.header_bytes} bytes are allowed",
            )

    def on_headers_complete(self) -> None:
        self._unread, self._headers_since, self._body_since = 0, None, self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread, self._body_since = 0, self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread, self._body_since = 0, None
        super().on_message_complete()

    def close_if_stalled(self, now: float) -> None:
        """Close a connection that has kept the gateway waiting for too long; ``now`` is the loop's time."""
        if self.flow.read_paused:
            # the gateway itself does not read at the moment: the time that this takes is not the sender's
            self._headers_since = now if self._headers_since is not None else None
            self._body_since = now if self._body_since is not None else None
            return
        headers_late = self._headers_since is not None and now - self._headers_since > self.limits.header_seconds
        body_late = self._body_since is not None and now - self._body_since > self.limits.body_seconds
        if (headers_late or body_late) and not self.transport.is_closing():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        self._refuse("bad-request", msg)

    def _refuse(self, kind: str, reason: str) -> None:
        """Answer with the problem ``kind`` unless a response has begun, and close the connection."""
        status, title, _ = PROBLEMS[kind]
        content = {"type": type_uri(self.limits.public_url, kind), "title": title, "status": status, "detail": reason}
        body = orjson.dumps(content)
        retry = "Retry-After: 10\r\n" if status == 503 else ""
        head = (
            f"HTTP/1.1 {status} {responses[status]}\r\nContent-Type: application/problem+json\r\n"
            f"X-Content-Type-Options: nosniff\r\n"
            f"Content-Length: {len(body)}\r\n{retry}Connection: close\r\n\r\n"
        )
        answering = getattr(self.cycle, "response_started", False) and not self.cycle.response_complete
        if not answering:
            self.transport.write(head.encode() + body)
        self.transport.close()


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """The protocol class of one server, for ``uvicorn.Config(http=…)``; it counts its own connections."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits, "open_by_address": Counter()})


async def close_stalled(connections: Sequence[object] | set[Any], every: float = 1.0) -> None:
    """Look at all open connections once in ``every`` seconds, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every)
        now = loop.time()
        for connection in list(connections):
            if isinstance(connection, GuardedProtocol):
                connection.close_if_stalled(now)
