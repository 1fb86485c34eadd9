"""Time skipping on the real server: each workflow has a clock that a test can move forward."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from contracts.names import campaign_id
from local.embedded import Temporal, free_port, running
from tests.support.workflow_life import PATIENCE, Life, at, kinds, new_company


@asynccontextmanager
async def skipping_server() -> AsyncIterator[str]:
    """The address of a Temporal server whose workflows may skip time."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        dynamic = {"frontend.WorkflowTimeSkippingEnabled": True}
        async with running(Temporal(Path(folder), port=free_port(), dynamic=dynamic)) as temporal:
            yield temporal.address


class Clock:
    """The clock of one journey: real time until it is moved forward. A campaign has its own clock."""

    def __init__(self, client: Client, database_url: str) -> None:
        config = TimeSkippingConfig(enabled=False, disable_propagation=True)
        self.skipper = TimeSkipper(client, config=config)
        self.life = Life(self.skipper.client, database_url, new_company(database_url), "c-1")

    async def now(self) -> datetime:
        return await self.skipper.get_current_time(self.life.handle)

    async def forward(self, time: timedelta, *, campaigns: bool = True) -> None:
        """Let this much time pass, for the journey and, unless `campaigns` is false, for its running campaigns."""
        await self.life.settled()  # time must not be skipped before a new run has armed its timer
        passing = asyncio.create_task(self.skipper.fast_forward(self.life.handle, time))
        async with asyncio.timeout(2 * PATIENCE):
            while not passing.done():
                if campaigns:
                    await self._live_campaigns()
                await asyncio.wait([passing], timeout=0.3)
        assert await passing
        await self.life.settled()

    async def _live_campaigns(self) -> None:
        """Let running campaigns finish first: a workflow cannot skip time while a child of the same run is running."""
        if "START_CHILD_WORKFLOW_EXECUTION_INITIATED" not in kinds(await self.life.history()):
            return
        running = "select n from retention_campaigns where company_id = %(company)s and status = 'running'"
        for row in self.life.rows(running):
            with suppress(RPCError):
                await self.skipper.fast_forward(self.campaign(row["n"]))

    async def visit(self, amount: str) -> datetime:
        """Commit an appointment completed now; returns its time."""
        now = (await self.now()).replace(microsecond=0)
        await self.life.lived(self.life.visit(amount=amount, occurred_at=at(0, now=now)))
        return now

    def campaign(self, n: int = 1) -> WorkflowHandle[Any, Any]:
        return self.life.client.get_workflow_handle(campaign_id(self.life.company, self.life.customer, n))

    async def campaign_forward(self, time: timedelta, n: int = 1) -> None:
        """Let this much time pass for a campaign alone."""
        await asyncio.wait_for(self.skipper.fast_forward(self.campaign(n), time), PATIENCE)
