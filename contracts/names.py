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
ACT_SIGNAL = "act_on_stage"
SET_STAGE_UPDATE = "set_stage"
RELEASE_UPDATE = "release"
REQUEST_ACTION_UPDATE = "request_action"
FINISH_TASK_UPDATE = "finish_task"
REASSIGN_TASK_UPDATE = "reassign_task"
RETRY_ACTION_UPDATE = "retry_action"
STATE_QUERY = "state"

COMMIT = "commit"
ACT = "act"

CAMPAIGN = "RetentionCampaign"
END_SIGNAL = "end"

#: A commit that Postgres answers takes milliseconds. A local one is given up soon, so that it never holds the workflow
#: task for long; the regular one then waits as long as the outage lasts.
LOCAL_COMMIT_LIMIT = timedelta(seconds=5)
LOCAL_COMMIT_RETRY = RetryPolicy(maximum_attempts=1)
COMMIT_LIMIT = timedelta(seconds=30)
COMMIT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)

#: Actions that become due together are tried together, once: what the world refuses at that moment goes on alone. A
#: worker that dies is noticed by its heartbeat; Postgres' absence is outlasted.
ACT_LIMIT = timedelta(seconds=90)
ACT_HEARTBEAT = timedelta(seconds=10)
ACT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)
#: One action alone, quick at first, for a day; then it has failed, and a person may have it tried again.
ACTION_PATIENCE = timedelta(hours=24)
ACTION_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=30)
)
#: Beyond the patience, because the activity itself gives up in time and says so; this is for one that cannot.
ACTION_LIMIT = ACTION_PATIENCE + timedelta(hours=1)

#: Maintenance: workflows that look after all companies, on their schedules or when a person asks.
STAGE_METRICS = "StageMetrics"
RECONCILIATION = "Reconciliation"
FIT_RETURN_MODELS = "FitReturnModels"
EVALUATE_ALL = "EvaluateAll"
PROGRESS_QUERY = "progress"

LIST_COMPANIES = "list_companies"
WRITE_STAGE_METRICS = "write_stage_metrics"
RECONCILE = "reconcile"
RECORD_FAULTS = "record_faults"
FIT_RETURN_MODEL = "fit_return_model"
COUNT_JOURNEYS = "count_journeys"
EVALUATE_CHUNK = "evaluate_chunk"

STAGE_METRICS_SCHEDULE = "stage-metrics"
RECONCILIATION_SCHEDULE = "reconciliation"
RETURN_MODELS_SCHEDULE = "return-models"

#: One company's part of a round. Postgres' absence is outlasted; what fails although it answers is given up by the
#: activity itself after three tries; what still fails after half a day is reported. A dead worker is noticed by its
#: heartbeat.
ROUND_LIMIT = timedelta(hours=12)
ROUND_HEARTBEAT = timedelta(seconds=10)
ROUND_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
#: Without the companies there is no round: this one waits as long as it takes.
LIST_LIMIT = timedelta(minutes=1)
#: A fit may take its minutes of a core, and be held up in its signs of life.
FIT_LIMIT = timedelta(hours=1)
FIT_HEARTBEAT = timedelta(minutes=1)
FIT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=10),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=10,  # half an hour
)

#: Journeys with the same date do not wake in the same second: each wakes up to this much after its deadline.
WAKE_SPREAD = timedelta(minutes=5)

#: A deadline that passed more recently than this is not overdue: the wake-up may be spread, and the first tries of a
#: commit may have met a Postgres that did not answer.
GRACE = WAKE_SPREAD + timedelta(minutes=1)
#: What is overdue when a reconciliation begins is a fault if it still is so much later: by then a fleet that was
#: behind, with Temporal or Postgres away, has caught up.
SECOND_LOOK = timedelta(minutes=10)


def journey_id(company_id: int, customer_id: str) -> str:
    """The workflow id of one relationship's journey."""
    return f"journey/{company_id}/{customer_id}"


def campaign_id(company_id: int, customer_id: str, n: int) -> str:
    """The workflow id of a customer's ``n``-th retention campaign."""
    return f"campaign/{company_id}/{customer_id}/{n}"


def evaluation_id(company_id: int | None) -> str:
    """The workflow id of the evaluation of all journeys of a company, or of all companies: one at a time."""
    return f"evaluate-all/{company_id or 'every-company'}"
