"""Failed and held-back actions: listed, counted, and several tried again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Tenant
from tests.api.test_actions import ALWAYS, PROFILE, outcome, request
from tests.api.test_reading import forged

PATH = "/v1/portal/problems"
FILL = """
with company as (select %s::bigint as id), made as (
    insert into customers (company_id, external_id, name) select id, 'p-0', 'Ada' from company returning *
), journey as (
    insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, version, run_id,
                                        decided_at, state)
    select company_id, id, 'lead', now(), 1, 'r', now(), '{}' from made returning *
), a as (
    insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, status, attempts,
                                 last_error, reason, due_at)
    select journey.company_id, journey.id, 'k' || row_number() over (), action, 'lead', 2, status, attempts, error,
           reason, now()
      from journey, (values
        ('send_welcome_email', 'failed', 3, 'smtp: 550', null, 4),
        ('send_onboarding_sequence.2', 'failed', 1, 'smtp: 421', null, 2),
        ('send_onboarding_sequence.3', 'failed', 1, 'smtp: 421', null, 1),
        ('send_welcome_email', 'pending', 2, 'smtp: connection refused', null, 2),
        ('send_welcome_email', 'pending', 0, null, null, 5),
        ('create_feedback_request', 'waiting', 0, null, 'quiet hours', 3),
        ('centre_offer', 'suppressed', 0, null, 'no consent to e-mail', 1100),
        ('send_welcome_email', 'succeeded', 2, 'smtp: 421', null, 30),
        ('campaign_sms', 'cancelled', 1, 'left the stage', null, 30)
      ) as v(action, status, attempts, error, reason, n), generate_series(1, v.n)
    returning 1
) select count(*) from a
"""


@pytest.fixture
def troubled(tenant: Tenant) -> Tenant:
    """A company with 7 failed actions, 2 failing ones, 3 that wait and 1100 that were suppressed."""
    tenant.rows(FILL, tenant.id)
    return tenant


def listed(tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = tenant.client.get(PATH, params={"limit": 4, **query, **cursor}).json()
        assert (page["action_counts"] is None) is bool(cursor)
        rows += page["actions"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


def test_problems_are_listed_once_newest_first(troubled: Tenant) -> None:
    rows = listed(troubled, problem=["failed", "failing", "waiting"])
    ids = [row["id"] for row in rows]
    assert (len(ids), ids) == (12, sorted(set(ids), reverse=True))
    assert {(row["problem"], row["status"]) for row in rows} == {
        ("failed", "failed"),
        ("failing", "pending"),
        ("waiting", "waiting"),
    }
    assert len(listed(troubled, limit=200)) == 12 + 1100
    assert rows[0]["customer_name"] == "Ada"


def test_filters_by_problem_and_action(troubled: Tenant) -> None:
    assert {row["problem"] for row in listed(troubled, problem="failing")} == {"failing"}
    welcome = listed(troubled, action="send_welcome_email")
    assert sorted(row["problem"] for row in welcome) == ["failed"] * 4 + ["failing"] * 2
    assert len(listed(troubled, action="send_onboarding_sequence", problem=["failed", "failed"])) == 3
    assert listed(troubled, action="send_onboarding_sequence", problem="waiting") == []


def test_counts_by_problem_and_action(troubled: Tenant) -> None:
    counts = troubled.client.get(PATH, params={"problem": "waiting", "limit": 1}).json()["action_counts"]
    assert counts == [
        {"problem": "failed", "action": "send_welcome_email", "count": 4, "more": False},
        {"problem": "failed", "action": "send_onboarding_sequence", "count": 3, "more": False},
        {"problem": "failing", "action": "send_welcome_email", "count": 2, "more": False},
        {"problem": "waiting", "action": "create_feedback_request", "count": 3, "more": False},
        {"problem": "suppressed", "action": "centre_offer", "count": 1000, "more": True},
    ]


def test_a_company_without_problems_has_an_empty_list(tenant: Tenant) -> None:
    assert tenant.client.get(PATH).json() == {"actions": [], "action_counts": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("problem", "succeeded"),
        ("action", "a%"),
        ("action", "send_onboarding_sequence.2"),
        ("limit", 0),
        ("limit", 201),
        ("cursor", "rubbish"),
        ("cursor", forged("actions", 5)),
        ("cursor", forged("problems", 1 << 63)),
    ],
)
def test_bad_queries(tenant: Tenant, name: str, value: object) -> None:
    answer = tenant.client.get(PATH, params={name: str(value)})
    assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".")[0]) == (422, name)


def retry(tenant: Tenant, *action_ids: int) -> dict[str, Any]:
    answer = tenant.client.post(f"{PATH}/retry", json={"action_ids": action_ids})
    assert answer.status_code == 200, answer.text
    results: dict[str, Any] = answer.json()
    return results


def test_each_action_of_a_bulk_retry_has_its_result(tenant: Tenant, other: Tenant, working: None) -> None:
    assert tenant.client.put("/v1/outreach", json=ALWAYS).status_code == 200
    assert tenant.client.put("/v1/customers/c-1", json={**PROFILE, "consent": {"email": False}}).status_code == 200
    tenant.live("c-1", {})
    tenant.settled("c-1")
    held_back = [outcome(tenant, request(tenant, {"type": "email"})["id"])["id"] for _ in range(2)]
    done = outcome(tenant, request(tenant, {"type": "call"})["id"])["id"]
    assert {row["id"] for row in listed(tenant, problem="suppressed")} >= set(held_back)
    # not by the route, which would have them tried again by itself
    tenant.rows("update customers set consent = '{\"email\": true}' where company_id = %s returning 1", tenant.id)

    assert retry(other, held_back[0]) == {
        "retried": 0,
        "results": [{"action_id": held_back[0], "customer_id": None, "outcome": "not_found", "reason": None}],
    }

    answer = retry(tenant, held_back[0], done, (1 << 63) - 1, held_back[1])
    refusal = f"action {done} is succeeded; only failed or suppressed actions can be retried"
    assert answer == {
        "retried": 2,
        "results": [
            {"action_id": held_back[0], "customer_id": "c-1", "outcome": "retried", "reason": None},
            {"action_id": done, "customer_id": "c-1", "outcome": "refused", "reason": refusal},
            {"action_id": (1 << 63) - 1, "customer_id": None, "outcome": "not_found", "reason": None},
            {"action_id": held_back[1], "customer_id": "c-1", "outcome": "retried", "reason": None},
        ],
    }
    assert [outcome(tenant, action_id)["status"] for action_id in held_back] == ["succeeded"] * 2
    assert not {row["id"] for row in listed(tenant)} & set(held_back)


def test_a_retry_without_a_workflow_is_refused(troubled: Tenant, working: None) -> None:
    action_id = listed(troubled, problem="failed")[0]["id"]
    (result,) = retry(troubled, action_id)["results"]
    assert (result["outcome"], result["reason"]) == ("refused", "this customer has no journey")


def test_a_retry_needs_the_right_to_write(troubled: Tenant) -> None:
    with troubled.with_key(troubled.new_key("journeys:read")[1]) as reader:
        assert reader.get(PATH).status_code == 200
        answer = reader.post(f"{PATH}/retry", json={"action_ids": [1]})
    assert (answer.status_code, answer.json()["scope"]) == (403, "journeys:write")


@pytest.mark.parametrize("action_ids", [[], [0], [1, 1], list(range(1, 52)), None, ["a"], [1 << 63]])
def test_bad_bulk_retries(tenant: Tenant, action_ids: object) -> None:
    answer = tenant.client.post(f"{PATH}/retry", json={"action_ids": action_ids})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("action_ids")
