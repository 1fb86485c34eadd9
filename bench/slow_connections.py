"""Latency (p50 and p99) of GET /livez during 300 slow connections. Floor: the same without them.

Each slow connection sends a header byte by byte, or a body without an end, from 127.0.0.1 to 127.0.0.4, and is opened
again when the gateway closes it. One more sends an endless header value as fast as it can.

    python -m bench.slow_connections [--slow 300] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from local.embedded import free_port

ROOT = Path(__file__).parent.parent
REQUEST = b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n"


async def latencies(port: int, seconds: float) -> list[float]:
    """Seconds of each request, 50 a second over a kept connection, sorted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        found.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    writer.close()
    return sorted(found)


async def slow(port: int, n: int) -> None:
    """One slow client, again and again, until cancelled."""
    body = b"POST /v1/events HTTP/1.1\r\nHost: bench\r\nContent-Length: 1000000\r\n\r\n"
    while True:
        with suppress(OSError):
            source = (f"127.0.0.{1 + n % 4}", 0)
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
            writer.write(body if n % 2 else b"GET / HTTP/1.1\r\nHost: bench\r\nX: ")
            while True:
                await asyncio.sleep(0.5)
                writer.write(b"a")
                await writer.drain()


async def endless(port: int) -> None:
    """An endless header value, as fast as the gateway takes it, ten times a second."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: bench\r\nX: ")
            for _ in range(1_000):
                writer.write(b"a" * 65536)
                await writer.drain()
        await asyncio.sleep(0.1)


async def measure(port: int, clients: int, seconds: float) -> None:
    idle = await latencies(port, seconds)
    attack = [asyncio.create_task(slow(port, n)) for n in range(clients)] + [asyncio.create_task(endless(port))]
    await asyncio.sleep(2)
    beside = await latencies(port, seconds)
    for task in attack:
        task.cancel()
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        floor, under = idle[int(share * len(idle))], beside[int(share * len(beside))]
        print(f"{name}: idle {1000 * floor:.2f} ms, beside {clients} slow {1000 * under:.2f} ms, {under / floor:.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slow", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    port = free_port()
    # Neither Postgres nor Temporal is needed to answer /livez.
    environment = os.environ | {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
    }
    argv = [sys.executable, "-c", "from cli.main import app; app()", "gateway", "--port", str(port)]
    gateway = subprocess.Popen(argv, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        time.sleep(4)
        asyncio.run(measure(port, options.slow, options.seconds))
    finally:
        gateway.terminate()
        gateway.wait(30)


if __name__ == "__main__":
    main()
