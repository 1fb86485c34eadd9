"""Compare this machine's clock with Temporal's, which decides whether an event is in the future.

Temporal has no call for its time, but it remembers when each poller of a task queue polled last. So the gateway polls a
queue that never has a task, and asks for its pollers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from secrets import token_hex

import structlog
from rfc9457 import Problem
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, PollActivityTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from journey.time import Micros

CLOCK_QUEUE = "clock"  # never has a task
INTERVAL = 60.0  # seconds between two comparisons
RETRY_INTERVAL = 2.0  # ... until the first one has succeeded
LIMIT = 60.0  # seconds; a larger difference is reported
CALL_TIMEOUT = timedelta(seconds=3)
POLL_TIMEOUT = timedelta(seconds=10)  # ended much earlier; the server refuses very short ones
ATTEMPTS = 40

_log = structlog.get_logger("gateway")


class ClockCheck:
    """This machine's clock, corrected by its difference from Temporal's.

    Attributes:
        seconds_ahead: By how much this machine's clock is ahead of Temporal's; None until it was compared.
    """

    def __init__(self, client: Callable[[], Client], clock: Callable[[], float] = time.time) -> None:
        """Create a check; ``client`` returns the connected client, or raises a problem."""
        self._client, self._clock = client, clock
        self._identity = f"clock of a gateway {token_hex(4)}"
        self._previous = 0  # ns; when the server received the poll of the comparison before
        self.seconds_ahead: float | None = None

    @property
    def is_skewed(self) -> bool:
        return self.seconds_ahead is not None and abs(self.seconds_ahead) > LIMIT

    def now(self) -> Micros:
        """Return Temporal's time in µs, as far as it is known; by this clock before the first comparison."""
        seconds = self._clock()
        if self.is_skewed and self.seconds_ahead is not None:
            seconds -= self.seconds_ahead
        return Micros(int(seconds * 1_000_000))

    async def watch(self) -> None:
        """Compare the clocks again and again; run as a background task."""
        while True:
            with suppress(Problem, RPCError, TimeoutError, OSError):
                await self.compare()
            await asyncio.sleep(RETRY_INTERVAL if self.seconds_ahead is None else INTERVAL)

    async def compare(self) -> None:
        """Compare the clocks.

        Raises:
            Problem: Temporal was never connected.
            RPCError, TimeoutError: Temporal does not respond.
        """
        client = self._client()
        was_skewed = self.is_skewed
        queue = TaskQueue(name=CLOCK_QUEUE)
        poll = PollActivityTaskQueueRequest(namespace=client.namespace, task_queue=queue, identity=self._identity)
        before = self._clock()
        polling = asyncio.ensure_future(
            client.workflow_service.poll_activity_task_queue(poll, retry=False, timeout=POLL_TIMEOUT)
        )
        try:
            polled_at = await self._last_poll(client, queue)
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError, RPCError):
                await polling
        # the poll reached the server between these two instants
        self.seconds_ahead = (before + self._clock()) / 2 - polled_at
        if self.is_skewed and not was_skewed:
            _log.error("the clock of this machine differs from Temporal's", seconds_ahead=round(self.seconds_ahead))

    async def _last_poll(self, client: Client, queue: TaskQueue) -> float:
        """Return when the server received the poll that has just begun, in seconds since 1970."""
        kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        request = DescribeTaskQueueRequest(namespace=client.namespace, task_queue=queue, task_queue_type=kind)
        for _ in range(ATTEMPTS):
            answer = await client.workflow_service.describe_task_queue(request, timeout=CALL_TIMEOUT)
            for poller in answer.pollers:
                if poller.identity == self._identity and poller.last_access_time.ToNanoseconds() != self._previous:
                    self._previous = poller.last_access_time.ToNanoseconds()
                    return self._previous / 1e9
            await asyncio.sleep(0.02)
        raise TimeoutError
