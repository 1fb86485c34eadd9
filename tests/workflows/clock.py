"""Time, put forward: the real server with a clock for each workflow, which runs on as far as a test tells it to."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from cli.embedded import Temporal, free_port, running
from tests.workflows.life import PATIENCE, Life, at, new_company
from workflows.names import campaign_id


@asynccontextmanager
async def skipping_server() -> AsyncIterator[str]:
    """The address of a Temporal server whose workflows may skip time."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        dynamic = {"frontend.WorkflowTimeSkippingEnabled": True}
        async with running(Temporal(Path(folder), port=free_port(), dynamic=dynamic)) as temporal:
            yield temporal.address


class Clock:
    """The clock of one journey: it shows real time until it is put forward. A campaign has one of its own."""

    def __init__(self, client: Client, database_url: str) -> None:
        config = TimeSkippingConfig(enabled=False, disable_propagation=True)
        self.skipper = TimeSkipper(client, config=config)
        self.life = Life(self.skipper.client, database_url, new_company(database_url), "c-1")

    async def now(self) -> datetime:
        return await self.skipper.get_current_time(self.life.handle)

    async def forward(self, time: timedelta) -> None:
        """Let so much time pass; what falls due in it happens in it."""
        await self.life.settled()  # time must not be skipped before a new run has armed its timer
        assert await asyncio.wait_for(self.skipper.fast_forward(self.life.handle, time), PATIENCE)
        await self.life.settled()

    async def visit(self, amount: str) -> datetime:
        """An appointment of now is completed and committed; when that was."""
        now = (await self.now()).replace(microsecond=0)
        await self.life.lived(self.life.visit(amount=amount, occurred_at=at(0, now=now)))
        return now

    def campaign(self, n: int = 1) -> WorkflowHandle[Any, Any]:
        return self.life.client.get_workflow_handle(campaign_id(self.life.company, self.life.customer, n))

    async def campaign_forward(self, time: timedelta, n: int = 1) -> None:
        """Let so much time pass for a campaign alone."""
        await asyncio.wait_for(self.skipper.fast_forward(self.campaign(n), time), PATIENCE)
