"""Servers under test, each in its own process, and HTTP load over persistent connections."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from local.embedded import free_port
from local.managed_process import ManagedProcess

ROOT = Path(__file__).parent.parent


class Server(ManagedProcess):
    """An app factory (``module:name``) behind uvicorn, as production runs it; `port` on 127.0.0.1."""

    def __init__(self, factory: str, env: Mapping[str, str]) -> None:
        self.port = free_port()
        argv = [sys.executable, "-m", "uvicorn", "--factory", factory, "--port", str(self.port), "--no-access-log"]
        argv += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--app-dir", str(ROOT)]
        super().__init__(factory, argv, env={"PYTHONPATH": str(ROOT), **env})

    def cpu(self) -> float:
        """CPU seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def answers(self) -> bool:
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.close()
        return True


def get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def post(path: str, key: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """A persistent connection that sends one request after the other."""

    def __init__(self, requests: Callable[[], bytes | None], status: bytes) -> None:
        self.requests, self.status = requests, status
        self.done = asyncio.get_running_loop().create_future()
        self.count = 0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._next()

    def _next(self) -> None:
        request = self.requests()
        if request is None:
            self.transport.close()
            if not self.done.done():
                self.done.set_result(None)
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, rest = head.lower().partition(b"content-length: ")
        if len(body) < int(rest.partition(b"\r\n")[0]):
            return
        if head[9:12] != self.status:
            self.done.set_exception(RuntimeError(self._buffer.decode(errors="replace")))
            self.transport.close()
            return
        self.count += 1
        self._buffer = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server closed the connection"))


async def load(port: int, requests: Callable[[], bytes | None], connections: int, status: bytes = b"200") -> float:
    """Requests per second until `requests` returns None; every response must have `status`."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    open_connections = []
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: Connection(requests, status), "127.0.0.1", port)
        open_connections.append(connection)
    await asyncio.gather(*(connection.done for connection in open_connections))
    return sum(connection.count for connection in open_connections) / (time.perf_counter() - started)


def for_seconds(seconds: float, request: Callable[[int], bytes]) -> Callable[[], bytes | None]:
    """Numbered requests, until the time is up."""
    until, number = time.perf_counter() + seconds, 0

    def following() -> bytes | None:
        nonlocal number
        if time.perf_counter() > until:
            return None
        number += 1
        return request(number - 1)

    return following


@asynccontextmanager
async def serving(*servers: Server) -> AsyncIterator[None]:
    try:
        for server in servers:
            await server.start()
        yield
    finally:
        for server in servers:
            await server.stop()
