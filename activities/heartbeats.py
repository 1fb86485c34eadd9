"""Heartbeats of activities, by which the server detects within seconds that a worker has died."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

INTERVAL = 2.0  # seconds; well below every heartbeat timeout in contracts/timeouts.py


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Send heartbeats while the block runs; none for a local activity, which has no heartbeats."""
    if activity.info().is_local:
        yield
        return
    sending = asyncio.create_task(_send())
    try:
        yield
    finally:
        sending.cancel()


async def _send() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(INTERVAL)
