"""Worker and gateway as services of `up`: the same commands that run on their own in production."""

import re
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx2
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from contracts.names import TASK_QUEUE
from local.managed_process import ManagedProcess

JOURNEY = str(Path(sysconfig.get_path("scripts")) / "journey")
Sink = Callable[[str, str], None]


class Worker(ManagedProcess):
    """`journey worker`; ready when this process (not an earlier one) polls for workflow tasks and activities."""

    stop_limit = 40.0  # for draining

    def __init__(self, client: Client, environment: Mapping[str, str], sink: Sink) -> None:
        super().__init__("worker", [JOURNEY, "worker"], env=environment, sink=sink)
        self.client = client

    async def answers(self) -> bool:
        # Temporal lists the poller of a dead worker for minutes; the identity contains the process id.
        this_process = re.compile(rf"\b{self.process.pid}\b")
        for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
            request = DescribeTaskQueueRequest(
                namespace=self.client.namespace, task_queue=TaskQueue(name=TASK_QUEUE), task_queue_type=kind
            )
            described = await self.client.workflow_service.describe_task_queue(request)
            if not any(this_process.search(poller.identity) for poller in described.pollers):
                return False
        return True


class Gateway(ManagedProcess):
    """`journey gateway`; ready when `GET /readyz` returns 200."""

    stop_limit = 40.0  # for requests in progress

    def __init__(self, port: int, environment: Mapping[str, str], sink: Sink) -> None:
        super().__init__("gateway", [JOURNEY, "gateway", "--port", str(port)], env=environment, sink=sink)
        self.url = f"http://127.0.0.1:{port}"

    async def answers(self) -> bool:
        # Ignore proxy settings: this is the same machine.
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
            return (await client.get(f"{self.url}/readyz")).status_code == 200
