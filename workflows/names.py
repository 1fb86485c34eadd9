"""Every name that Temporal knows of us: ids, queue, search attributes, messages, time limits and retry policies."""

from datetime import timedelta

from temporalio.common import RetryPolicy, SearchAttributeKey

TASK_QUEUE = "journeys"
JOURNEY = "CustomerJourney"

COMPANY_ID = SearchAttributeKey.for_int("CompanyId")
STAGE = SearchAttributeKey.for_keyword("Stage")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")

EVENTS_SIGNAL = "events"
EVALUATE_SIGNAL = "evaluate"
SET_STAGE_UPDATE = "set_stage"
RELEASE_UPDATE = "release"
STATE_QUERY = "state"

COMMIT = "commit"

#: A commit that Postgres answers takes milliseconds. A local one is given up soon, so that it never holds the workflow
#: task for long; the regular one then waits as long as the outage lasts.
LOCAL_COMMIT_LIMIT = timedelta(seconds=5)
LOCAL_COMMIT_RETRY = RetryPolicy(maximum_attempts=1)
COMMIT_LIMIT = timedelta(seconds=30)
COMMIT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)

#: Journeys with the same date do not wake in the same second: each wakes up to this much after its deadline.
WAKE_SPREAD = timedelta(minutes=5)


def journey_id(company_id: int, customer_id: str) -> str:
    """The workflow id of one relationship's journey."""
    return f"journey/{company_id}/{customer_id}"
