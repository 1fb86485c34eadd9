"""A stub of `journey` for the tests of `up`: a worker that polls and a gateway that answers /readyz."""

import asyncio
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@workflow.defn
class Idle:
    @workflow.run
    async def run(self) -> None:
        pass


@activity.defn
async def idle() -> None:
    pass


async def worker() -> None:
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue="journeys", workflows=[Idle], activities=[idle], workflow_runner=runner):
        await asyncio.Event().wait()


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["worker"]:
            asyncio.run(worker())
        case ["gateway", "--port", port]:
            HTTPServer(("127.0.0.1", int(port)), Ready).serve_forever()
        case other:
            sys.exit(f"not a command: {other}")
