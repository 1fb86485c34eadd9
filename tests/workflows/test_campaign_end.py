"""A campaign that is ended while a step is in progress: no error is logged, and the other steps are cancelled."""

import asyncio
import gc
import uuid

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from contracts import names
from contracts.messages import CampaignStart
from contracts.requests import ActRequest, ActResult
from journey.time import Micros
from tests.support.logs import warned
from workflows.retention_campaign import RetentionCampaign


async def test_a_step_in_progress_is_cancelled_without_an_error(
    temporal_address: str,
) -> None:
    begun = asyncio.Event()

    @activity.defn(name=names.ACT)
    async def act(request: ActRequest) -> ActResult:
        if "cancelled" in request:
            return {"done": dict.fromkeys(request["tails"], "cancelled")}
        begun.set()
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)

    client = await Client.connect(temporal_address)
    queue = uuid.uuid4().hex
    start = CampaignStart(1, "c-1", 1, [("2:campaign_email", Micros(0)), ("2:campaign_call", Micros(0))])
    runner = UnsandboxedWorkflowRunner()
    with warned() as records:
        async with Worker(
            client, task_queue=queue, workflows=[RetentionCampaign], activities=[act], workflow_runner=runner
        ):
            campaign = await client.start_workflow(
                RetentionCampaign.run, start, id=f"campaign/{queue}", task_queue=queue
            )
            await asyncio.wait_for(begun.wait(), 20)
            await campaign.signal(names.END_SIGNAL, "left the stage")
            outcomes = await asyncio.wait_for(campaign.result(), 20)
        gc.collect()
    assert outcomes == {"campaign_email": "cancelled", "campaign_call": "cancelled"}
    assert [record.getMessage() for record in records if record.exc_info] == []
