"""Timeouts, retry policies and delays of workflows and activities.

Workflow code reads them as attributes of this module, so that tests can replace them.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy

#: A commit takes milliseconds while Postgres answers. A local one gives up early, so that it never blocks the workflow
#: task for long; the regular one then retries for as long as the outage lasts.
LOCAL_COMMIT_TIMEOUT = timedelta(seconds=5)
LOCAL_COMMIT_RETRY = RetryPolicy(maximum_attempts=1)
COMMIT_TIMEOUT = timedelta(seconds=30)
#: Detects a worker that died during a regular commit. Together with the short pauses between attempts it bounds by how
#: much outages and deaths in a row delay a row: fewer than 60 s after both stores and a worker are back.
COMMIT_HEARTBEAT = timedelta(seconds=6)
COMMIT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=5)
)

#: A merge reads both ledgers and writes once; an outage of either store is retried until it is over.
MERGE_TIMEOUT = timedelta(minutes=2)
MERGE_HEARTBEAT = timedelta(seconds=6)
MERGE_RETRY = COMMIT_RETRY

#: Actions that become due together are tried once, together; those with a transient failure are then retried one by
#: one. The heartbeat detects a worker that died; an outage of Postgres is retried until it is over.
ACT_TIMEOUT = timedelta(seconds=90)
ACT_HEARTBEAT = timedelta(seconds=10)
ACT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)
#: How long a single action is retried, quickly at first; then it has failed, and staff may retry it.
ACTION_RETRY_WINDOW = timedelta(hours=24)
ACTION_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=30)
)
#: Longer than the window, because the activity itself records the failure at its end; this one covers a dead worker.
ACTION_TIMEOUT = ACTION_RETRY_WINDOW + timedelta(hours=1)

#: One company's share of a sweep. An outage of Postgres is retried until it is over; an activity that fails although
#: Postgres answers gives up by itself after three attempts. The heartbeat detects a worker that died.
MAINTENANCE_TIMEOUT = timedelta(hours=12)
MAINTENANCE_HEARTBEAT = timedelta(seconds=10)
MAINTENANCE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
#: Of one attempt. There is no overall timeout, because without the companies there is no sweep.
LIST_COMPANIES_TIMEOUT = timedelta(minutes=1)
#: A fit may use a core for minutes, which also delays its heartbeats.
FIT_TIMEOUT = timedelta(hours=1)
FIT_HEARTBEAT = timedelta(minutes=1)
FIT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=10),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=10,  # half an hour
)

#: Jitter: each journey wakes up to this much after its deadline, so that journeys with the same date do not wake in the
#: same second.
WAKE_UP_JITTER = timedelta(minutes=5)
#: A deadline that passed more recently than this is not overdue: its wake-up may be jittered, and the first attempts of
#: its commit may have met an outage.
OVERDUE_GRACE = WAKE_UP_JITTER + timedelta(minutes=1)
#: What is overdue when a reconciliation begins is a fault if it still is so much later: by then a fleet that was behind
#: after an outage has caught up.
RECHECK_DELAY = timedelta(minutes=10)
