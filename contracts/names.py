"""Names that Temporal stores: task queue, workflows, messages, activities, workflow ids and search attributes.

Running workflows and users depend on the values, so they never change.
"""

from temporalio.common import SearchAttributeKey

TASK_QUEUE = "journeys"

COMPANY_ID = SearchAttributeKey.for_int("CompanyId")
STAGE = SearchAttributeKey.for_keyword("Stage")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")

# Journeys
JOURNEY = "CustomerJourney"
EVENTS_SIGNAL = "events"
EVALUATE_SIGNAL = "evaluate"
REBUILD_SIGNAL = "rebuild"
PROFILE_CHANGED = "profile"  # argument of EVALUATE_SIGNAL: actions that wait for the customer's profile are tried again
ACT_SIGNAL = "act_on_stage"
SET_STAGE_UPDATE = "set_stage"
RELEASE_UPDATE = "release"
REQUEST_ACTION_UPDATE = "request_action"
FINISH_TASK_UPDATE = "finish_task"
REASSIGN_TASK_UPDATE = "reassign_task"
CHANGE_TASK_UPDATE = "change_task"
RETRY_ACTION_UPDATE = "retry_action"
CANCEL_ACTION_UPDATE = "cancel_action"
RECORD_CONTACT_UPDATE = "record_contact"
REMOVE_CONTACT_UPDATE = "remove_contact"
STATE_QUERY = "state"
COMMIT = "commit"
ACT = "act"

# Retention campaigns
CAMPAIGN = "RetentionCampaign"
END_SIGNAL = "end"
RETRY_SIGNAL = "retry"

# Merges
MERGE_CUSTOMERS = "MergeCustomers"
MERGE = "merge_customers"
ANNOUNCE_MERGE = "announce_merge"

# Changes of workflow code, for `workflow.patched`
REQUESTED_DURING_ATTEMPT = "2026-11: an action that is requested during an attempt is tried again after it"
STEPS_AWAIT_PROFILE = "2026-11: a campaign continues while a step waits for the profile, which may end the wait"

# Maintenance: workflows over all companies, started by their schedules or by an operator
STAGE_METRICS = "StageMetrics"
RECONCILIATION = "Reconciliation"
FIT_RETURN_MODELS = "FitReturnModels"
EVALUATE_ALL = "EvaluateAll"
RULES_ROLLOUT = "RulesRollout"
PREVIEW_RULES = "PreviewRules"
PAUSE_SIGNAL = "pause"
CONTINUE_SIGNAL = "continue"
PROGRESS_QUERY = "progress"

LIST_COMPANIES = "list_companies"
WRITE_STAGE_METRICS = "write_stage_metrics"
RECONCILE = "reconcile"
RECORD_FAULTS = "record_faults"
FIT_RETURN_MODEL = "fit_return_model"
COUNT_JOURNEYS = "count_journeys"
EVALUATE_CHUNK = "evaluate_chunk"
REPORT_ROLLOUT = "report_rollout"
PLAN_PREVIEW = "plan_preview"
PREVIEW_CHUNK = "preview_chunk"
FINISH_PREVIEW = "finish_preview"
DELETE_PREVIEW = "delete_preview"

STAGE_METRICS_SCHEDULE = "stage-metrics"
RECONCILIATION_SCHEDULE = "reconciliation"
RETURN_MODELS_SCHEDULE = "return-models"


def journey_id(company_id: int, customer_id: str) -> str:
    """Return the workflow id of a customer's journey."""
    return f"journey/{company_id}/{customer_id}"


def campaign_id(company_id: int, customer_id: str, n: int) -> str:
    """Return the workflow id of a customer's ``n``-th retention campaign."""
    return f"campaign/{company_id}/{customer_id}/{n}"


def merge_id(company_id: int, customer_id: str) -> str:
    """Return the workflow id of the merge of a customer into another one: only one of each customer runs at a time."""
    return f"merge/{company_id}/{customer_id}"


def evaluation_id(company_id: int | None) -> str:
    """Return the workflow id of ``EvaluateAll`` for one company, or for all (None): only one of each runs at a time."""
    return f"evaluate-all/{company_id or 'every-company'}"


def rollout_id(company_id: int, version: int) -> str:
    """Return the id of the workflow that rolls a version of a company's rules out to its journeys."""
    return f"rules/{company_id}/{version}"


def preview_id(company_id: int, preview: int) -> str:
    """Return the id of the workflow that previews changed rules of a company."""
    return f"rules-preview/{company_id}/{preview}"
