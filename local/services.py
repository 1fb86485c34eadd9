"""The parts of `up` that are ours: the worker and the gateway, each the same command that runs alone in production."""

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
from local.managed_process import Child

JOURNEY = str(Path(sysconfig.get_path("scripts")) / "journey")
Sink = Callable[[str, str], None]


class Worker(Child):
    """`journey worker`; ready when it, and not an earlier one, polls for workflow tasks and for activities."""

    stop_limit = 40.0  # it drains first

    def __init__(self, client: Client, environment: Mapping[str, str], sink: Sink) -> None:
        super().__init__("worker", [JOURNEY, "worker"], env=environment, sink=sink)
        self.client = client

    async def answers(self) -> bool:
        # Temporal names an earlier worker's poller for minutes after its death; the identity holds the process id.
        own = re.compile(rf"\b{self.process.pid}\b")
        for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
            request = DescribeTaskQueueRequest(
                namespace=self.client.namespace, task_queue=TaskQueue(name=TASK_QUEUE), task_queue_type=kind
            )
            described = await self.client.workflow_service.describe_task_queue(request)
            if not any(own.search(poller.identity) for poller in described.pollers):
                return False
        return True


class Gateway(Child):
    """`journey gateway`; ready when `GET /readyz` says so."""

    stop_limit = 40.0  # requests under way are answered first

    def __init__(self, port: int, environment: Mapping[str, str], sink: Sink) -> None:
        super().__init__("gateway", [JOURNEY, "gateway", "--port", str(port)], env=environment, sink=sink)
        self.url = f"http://127.0.0.1:{port}"

    async def answers(self) -> bool:
        # Proxies of the environment lead elsewhere than to this machine.
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
            return (await client.get(f"{self.url}/readyz")).status_code == 200
