"""A worker process: connect, register, run, drain. One per core; ``python -m worker`` or ``journey worker``.

Exits with 0 after SIGTERM or SIGINT, once work in progress is finished, and with 70 if its watchdog found a backlog
that is not polled, so that the supervisor restarts it.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
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
from activities.handing_on import to_journeys
from activities.merging import MergeActivities
from activities.preview_rules import PreviewActivities
from activities.reconcile import ReconcileActivities
from activities.recovery import TemporalHistories
from activities.return_models import ReturnModelActivity
from activities.rollout_report import RolloutReportActivity
from activities.stage_metrics import StageMetricsActivities
from background.appointment_loop import run_appointment_loop
from background.company_gauges import CompanyGauges
from background.profile_loop import run_profile_loop
from background.rhythm_loop import run_rhythm_loop
from background.rollup_loop import run_rollup_loop
from contracts.journey_workflows import JourneyWorkflows
from contracts.names import TASK_QUEUE
from contracts.schedules import ensure_schedules
from db.connections import Pool, open_pool
from logging_setup import configure_logs
from settings import Settings, read_settings
from workflows.customer_journey import CustomerJourney
from workflows.evaluate_all import EvaluateAll
from workflows.maintenance import FitReturnModels, Reconciliation, StageMetrics
from workflows.merge_customers import MergeCustomers
from workflows.preview_rules import PreviewRules
from workflows.retention_campaign import RetentionCampaign
from workflows.rules_rollout import RulesRollout

BUILD_ID = "1"  # short, because every workflow task stores it in the history
STICKY_TIMEOUT = timedelta(seconds=2)  # by how much a killed worker delays its journeys, instead of ten seconds
HEARTBEAT_THROTTLE = timedelta(seconds=1)  # by how much an activity's saved progress lags at most
DRAIN_TIMEOUT = timedelta(seconds=10)
WATCHDOG_INTERVAL = 10.0  # seconds
EXIT_STUCK = 70
# In seconds. The SDK's defaults are too coarse: a commit should take milliseconds, and a task start within seconds.
LATENCY_BUCKETS = {
    "temporal_local_activity_execution_latency": [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0],
    "temporal_workflow_task_schedule_to_start_latency": [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0],
}

log = structlog.get_logger("worker")


def build_worker(client: Client, pool: Pool, settings: Settings, runner: WorkflowRunner | None = None) -> Worker:
    """Build the worker with everything registered; unsandboxed unless a test passes another runner."""
    commits = CommitActivity(pool, TemporalHistories(client), to_journeys(client))
    acts, merges = ActActivity(pool, build_delivery(pool, settings)), MergeActivities(pool, client)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[
            CustomerJourney,
            RetentionCampaign,
            MergeCustomers,
            StageMetrics,
            Reconciliation,
            FitReturnModels,
            EvaluateAll,
            RulesRollout,
            PreviewRules,
        ],
        activities=[
            commits.commit,
            acts.act,
            merges.merge_customers,
            merges.announce_merge,
            ReturnModelActivity(pool).fit_return_model,
            *maintenance_activities(client, pool),
        ],
        workflow_runner=runner or UnsandboxedWorkflowRunner(),
        build_id=BUILD_ID,
        max_cached_workflows=settings.cached_journeys,
        max_concurrent_workflow_tasks=settings.workflow_slots,
        max_concurrent_local_activities=4 * settings.workflow_slots,
        max_concurrent_activities=100,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=DRAIN_TIMEOUT,
    )


def maintenance_activities(client: Client, pool: Pool) -> list[Callable[..., Awaitable[Any]]]:
    """Build the activities of the maintenance workflows."""
    workflows = JourneyWorkflows(client)
    runtime = client.service_client.config.runtime or Runtime.default()
    metrics, evaluations = StageMetricsActivities(pool), EvaluateActivities(pool, workflows)
    reconciler, previews = ReconcileActivities(pool, workflows, runtime.metric_meter), PreviewActivities(pool)
    return [
        metrics.list_companies,
        metrics.write_stage_metrics,
        reconciler.reconcile,
        reconciler.record_faults,
        evaluations.count_journeys,
        evaluations.evaluate_chunk,
        previews.plan_preview,
        previews.preview_chunk,
        previews.finish_preview,
        previews.delete_preview,
        RolloutReportActivity(pool).report_rollout,
    ]


def build_runtime(metrics_address: str) -> Runtime:
    """Build a runtime that serves the SDK's metrics and the application's to Prometheus, durations in seconds.

    Raises:
        ValueError: The address is invalid or already in use; the message has the setting's name.
    """
    metrics = PrometheusConfig(
        bind_address=metrics_address, durations_as_seconds=True, histogram_bucket_overrides=LATENCY_BUCKETS
    )
    try:
        return Runtime(telemetry=TelemetryConfig(attach_service_name=False, metrics=metrics))
    except ValueError as error:
        raise ValueError(f"METRICS_ADDRESS={metrics_address!r}: {error}") from None


def build_delivery(pool: Pool, settings: Settings) -> Delivery:
    """Open all channels; those without their setting save messages as files in the folder `OUTBOX`.

    Raises:
        ValueError: A setting is invalid; the message has its name.
    """
    return Delivery(
        pool=pool,
        senders=open_channels(settings.model_dump()),
        webhook=WebhookChannel(settings.webhook_allow.split(",")),
        public_url=settings.public_url.rstrip("/"),
        link_secret=settings.link_secret,
    )


async def run_worker(settings: Settings) -> int:
    """Run until a signal or the watchdog ends the worker; return the exit code."""
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
            await _ensure_schedules(client)
            watchdog = asyncio.create_task(watch_backlog(client, settings.watchdog_seconds))
            rollups = asyncio.create_task(run_rollup_loop(pool))
            profiles = asyncio.create_task(run_profile_loop(pool))
            rhythms = asyncio.create_task(run_rhythm_loop(pool))
            appointments = asyncio.create_task(run_appointment_loop(pool))
            stopped = asyncio.create_task(stop.wait())
            gauges = asyncio.create_task(CompanyGauges(pool, runtime.metric_meter).run()) if runtime else None
            await asyncio.wait({watchdog, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if watchdog.done():
                watchdog.result()
                log.error("the task queue has a backlog and no poller", seconds=settings.watchdog_seconds)
                code = EXIT_STUCK
            for task in filter(None, (watchdog, stopped, rollups, profiles, rhythms, appointments, gauges)):
                task.cancel()
            if code:
                os._exit(code)  # a stuck worker cannot drain
            log.info("worker is draining")
    finally:
        await pool.close()
    return code


async def _ensure_schedules(client: Client) -> None:
    """Create or update the maintenance schedules. A failure is only logged, because journeys do not need them."""
    try:
        outcomes = await ensure_schedules(client)
    except RPCError as error:
        log.error("maintenance schedules could not be created", reason=error.message)
        return
    if changed := {name: outcome for name, outcome in outcomes.items() if outcome != "unchanged"}:
        log.info("maintenance schedules", **changed)


async def watch_backlog(client: Client, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Return once the task queue has had a backlog and no poller for ``patience`` seconds."""
    healthy_at = clock()
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        report_stats=True,
    )
    while clock() - healthy_at < patience:
        await asyncio.sleep(min(WATCHDOG_INTERVAL, patience / 3))
        try:
            answer = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=5))
        except RPCError:
            healthy_at = clock()  # an unavailable server is not this worker's fault
            continue
        last_poll = max((poller.last_access_time.ToDatetime().timestamp() for poller in answer.pollers), default=0.0)
        is_polled = time.time() - last_poll < patience
        if is_polled or not answer.stats.approximate_backlog_count:
            healthy_at = clock()


def main() -> int:
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    try:
        return asyncio.run(run_worker(settings))
    except ValueError as error:
        raise SystemExit(f"invalid setting: {error}") from None


if __name__ == "__main__":
    raise SystemExit(main())
