"""A worker: connect, register, run, drain. One process per core; ``python -m worker`` or ``journey worker``.

It ends with 0 after SIGTERM or SIGINT, when what is under way is done, and with 70 when its watchdog found a backlog
that nobody polls: whoever supervises it starts it afresh.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

import connection
from activities.act import ActActivity
from activities.channels.registry import open_channels
from activities.channels.webhook import WebhookChannel
from activities.commit import CommitActivity
from activities.delivery import Delivery
from activities.evaluate import EvaluateActivities
from activities.reconcile import ReconcileActivities
from activities.return_models import ReturnModelActivity
from activities.stage_metrics import StageMetricsActivities
from background.company_gauges import Figures
from background.rollups import keep_rolled_up
from contracts import journey_client
from contracts.names import TASK_QUEUE
from contracts.schedules import ensure_schedules
from db.connections import Pool, open_pool
from logging_setup import configure_logs
from settings import Settings, read_settings
from workflows.customer_journey import CustomerJourney
from workflows.evaluate_all import EvaluateAll
from workflows.maintenance import FitReturnModels, Reconciliation, StageMetrics
from workflows.retention_campaign import RetentionCampaign

BUILD = "1"  # short, because it stands in every workflow task of every history
STICKY_LIMIT = timedelta(seconds=2)  # a killed worker costs its journeys this long, not ten seconds
BEAT = timedelta(seconds=1)  # what an activity got done is known at most so much later
DRAIN = timedelta(seconds=10)
WATCH_EVERY = 10.0  # seconds
STUCK = 70
# Seconds. The SDK's own are wide: a commit is to take milliseconds, a journey to be taken up within seconds.
BUCKETS = {
    "temporal_local_activity_execution_latency": [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0],
    "temporal_workflow_task_schedule_to_start_latency": [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0],
}

log = structlog.get_logger("worker")


def build_worker(client: Client, pool: Pool, settings: Settings, runner: WorkflowRunner | None = None) -> Worker:
    """The worker with everything registered; unsandboxed unless a test brings another runner."""
    commits, acts = CommitActivity(pool), ActActivity(pool, build_delivery(pool, settings))
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CustomerJourney, RetentionCampaign, StageMetrics, Reconciliation, FitReturnModels, EvaluateAll],
        activities=[
            commits.commit,
            acts.act,
            ReturnModelActivity(pool).fit_return_model,
            *maintenance_activities(client, pool),
        ],
        workflow_runner=runner or UnsandboxedWorkflowRunner(),
        build_id=BUILD,
        max_cached_workflows=settings.cached_journeys,
        max_concurrent_workflow_tasks=settings.workflow_slots,
        max_concurrent_local_activities=4 * settings.workflow_slots,
        max_concurrent_activities=100,
        sticky_queue_schedule_to_start_timeout=STICKY_LIMIT,
        max_heartbeat_throttle_interval=BEAT,
        graceful_shutdown_timeout=DRAIN,
    )


def maintenance_activities(client: Client, pool: Pool) -> list[Callable[..., Awaitable[Any]]]:
    """What the maintenance workflows ask for."""
    request_evaluation = partial(journey_client.request_evaluation, client)
    workflow_status = partial(journey_client.workflow_status, client)
    runtime = client.service_client.config.runtime or Runtime.default()
    metrics, evaluations = StageMetricsActivities(pool), EvaluateActivities(pool, request_evaluation)
    reconciler = ReconcileActivities(pool, workflow_status, request_evaluation, runtime.metric_meter)
    return [
        metrics.list_companies,
        metrics.write_stage_metrics,
        reconciler.reconcile,
        reconciler.record_faults,
        evaluations.count_journeys,
        evaluations.evaluate_chunk,
    ]


def build_runtime(metrics_address: str) -> Runtime:
    """A runtime that serves its metrics, and ours, to Prometheus: in seconds, as the gateway's.

    Raises ValueError, with the setting's name, for an address that is none, or taken.
    """
    metrics = PrometheusConfig(
        bind_address=metrics_address, durations_as_seconds=True, histogram_bucket_overrides=BUCKETS
    )
    try:
        return Runtime(telemetry=TelemetryConfig(attach_service_name=False, metrics=metrics))
    except ValueError as error:
        raise ValueError(f"METRICS_ADDRESS={metrics_address!r}: {error}") from None


def build_delivery(pool: Pool, settings: Settings) -> Delivery:
    """Open all channels; those without their setting save messages as files in the folder `OUTBOX`.

    Raises ValueError, with the setting's name, for an invalid setting.
    """
    return Delivery(
        pool=pool,
        senders=open_channels(settings.model_dump()),
        webhook=WebhookChannel(settings.webhook_allow.split(",")),
        public_url=settings.public_url.rstrip("/"),
        link_secret=settings.link_secret,
    )


async def run_worker(settings: Settings) -> int:
    """Run until a signal or the watchdog ends it; the exit code."""
    runtime = build_runtime(settings.metrics_address) if settings.metrics_address else None
    client = await connection.connect(runtime=runtime, identity=f"{os.getpid()}@{socket.gethostname()[:16]}")
    pool = await open_pool(settings.database_url, min_size=2, max_size=settings.worker_pool, timeout=1.0)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    code = 0
    try:
        async with build_worker(client, pool, settings):
            log.info("worker is polling", task_queue=TASK_QUEUE, namespace=client.namespace)
            await _make_schedules(client)
            watch = asyncio.create_task(watch_backlog(client, settings.watchdog_seconds))
            rolling = asyncio.create_task(keep_rolled_up(pool))
            stopped = asyncio.create_task(stop.wait())
            figures = asyncio.create_task(Figures(pool, runtime.metric_meter).keep()) if runtime else None
            await asyncio.wait({watch, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
                log.error("a backlog that nobody polls", seconds=settings.watchdog_seconds)
                code = STUCK
            for task in filter(None, (watch, stopped, rolling, figures)):
                task.cancel()
            if code:
                os._exit(code)  # a wedged worker does not drain
            log.info("worker is draining")
    finally:
        await pool.close()
    return code


async def _make_schedules(client: Client) -> None:
    """The schedules of maintenance, where they are missing or changed; a worker works without them, too."""
    try:
        made = {name: did for name, did in (await ensure_schedules(client)).items() if did != "unchanged"}
    except RPCError as error:
        log.error("the schedules of maintenance could not be made", reason=error.message)
        return
    if made:
        log.info("schedules", **made)


async def watch_backlog(client: Client, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Return when the queue has had a backlog and no poller for ``patience`` seconds."""
    well = clock()
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        report_stats=True,
    )
    while clock() - well < patience:
        await asyncio.sleep(min(WATCH_EVERY, patience / 3))
        try:
            answer = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=5))
        except RPCError:
            well = clock()  # a server that does not answer is no fault of this worker
            continue
        newest = max((poller.last_access_time.ToDatetime().timestamp() for poller in answer.pollers), default=0.0)
        polled = time.time() - newest < patience
        if polled or not answer.stats.approximate_backlog_count:
            well = clock()


def main() -> int:
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    try:
        return asyncio.run(run_worker(settings))
    except ValueError as error:
        raise SystemExit(f"wrong setting: {error}") from None


if __name__ == "__main__":
    raise SystemExit(main())
