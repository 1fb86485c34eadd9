"""E-mail addresses as ids of customers: refused by new companies, at every door, unless the company allows them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Tenant
from tests.api.test_sessions import Browser

ADDRESS = "ada@example.com"
REASON = "must not be an e-mail address, because ids are stored in workflow ids and logs; use a customer number or"


def allow(tenant: Tenant) -> Tenant:
    """Allow them, and forget what the gateway has cached: a new key."""
    setting = """settings || '{"email_ids": true}'"""
    tenant.rows(f"update companies set settings = {setting} where id = %s returning 1", tenant.id)
    return Tenant(tenant.id, tenant.new_key()[1], tenant.url, tenant.database_url)


def cloudevent() -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "/crm",
        "id": "1",
        "type": "call.received",
        "subject": ADDRESS,
        "time": "2026-03-02T10:15:00Z",
        "data": {"duration_seconds": 60},
    }


def test_new_companies_refuse_them_in_events(tenant: Tenant) -> None:
    answer = tenant.client.post("/v1/events", json=tenant.event(customer_id=ADDRESS))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["value"]) == (422, "customer_id", ADDRESS)
    assert error["problem"].startswith(REASON)
    headers = {"Content-Type": "application/cloudevents+json"}
    answer = tenant.client.post("/v1/events", json=cloudevent(), headers=headers)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["problem"].startswith(REASON)) == (422, "subject", True)


def test_a_batch_keeps_the_others_and_every_problem_is_named(tenant: Tenant) -> None:
    events = [tenant.event(), {**tenant.event(customer_id=ADDRESS), "duration_seconds": -1}]
    answer = tenant.client.post("/v1/events", json={"events": events}).json()
    (rejected,) = answer["rejected"]
    assert (answer["accepted"], rejected["index"]) == (1, 1)
    assert [error["field"] for error in rejected["errors"]] == ["duration_seconds", "customer_id"]


def test_new_companies_refuse_them_in_profiles(tenant: Tenant) -> None:
    answer = tenant.client.put(f"/v1/customers/{ADDRESS}", json={"name": "Ada"})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["value"]) == (422, "customer_id", ADDRESS)
    assert error["problem"].startswith(REASON)
    assert tenant.rows("select count(*) from customers where company_id = %s", tenant.id) == [(0,)]


def test_a_company_can_allow_them(tenant: Tenant, working: None) -> None:
    allowing = allow(tenant)
    assert allowing.client.put(f"/v1/customers/{ADDRESS}", json={"name": "Ada"}).status_code == 200
    allowing.live(ADDRESS, {})
    assert allowing.client.get(f"/v1/portal/customers/{ADDRESS}/journey").json()["journey"]["name"] == "Ada"


@pytest.mark.parametrize("allowed", [False, True])
def test_a_browser_session_has_the_setting_of_its_company(tenant: Tenant, allowed: bool) -> None:
    browser = Browser(tenant.url)
    browser.sign_in(key=(allow(tenant) if allowed else tenant).key)
    answer = browser.change("PUT", f"/v1/customers/{ADDRESS}", json={"name": "Ada"})
    assert answer.status_code == (200 if allowed else 422)
