"""Merging customers over HTTP: the preview, what is refused, and the old id, which means the customer who remains."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from db.people import api_keys
from journey.signed_tokens import unsubscribe_token
from tests.api.conftest import LINK_SECRET, Tenant

VISIT = {"type": "appointment.completed", "amount": "400.00"}


def merge(tenant: Tenant, customer: str, into: str, **params: Any) -> httpx2.Response:
    return tenant.client.post(f"/v1/customers/{customer}/merge", json={"into": into}, params=params)


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company that knows one person twice: as c-1, without a phone number, and as c-2."""
    put = {
        "c-1": {"name": "Ada Example", "email": "ada@example.com", "consent": {"email": True}},
        "c-2": {"name": "A. Example", "email": "ada@work.example", "phone": "+49 30 1234567", "consent": {"sms": True}},
    }
    for customer, profile in put.items():
        assert tenant.client.put(f"/v1/customers/{customer}", json=profile).status_code == 200
    tenant.live("c-1", VISIT)
    tenant.live("c-2", VISIT, VISIT)
    tenant.client.post("/v1/customers/c-2/actions", json={"type": "call"})
    tenant.settled("c-2")
    return tenant


def test_the_preview_says_what_the_merge_then_does(desk: Tenant) -> None:
    before = [desk.client.get(f"/v1/customers/{id_}").json() for id_ in ("c-1", "c-2")]
    preview = merge(desk, "c-2", "c-1", preview=1)
    assert preview.status_code == 200, preview.text
    plan = preview.json()
    assert (plan["profile"], plan["consent"], plan["events"]) == (["phone"], {"sms": True}, 2)
    assert plan["stages"] == {"customer_id": "customer", "into": "customer", "after": "vip"}
    assert plan["tasks"] >= 1
    assert [desk.client.get(f"/v1/customers/{id_}").json() for id_ in ("c-1", "c-2")] == before
    assert merge(desk, "c-2", "c-1").json() == plan
    profile = desk.client.get("/v1/customers/c-1").json()
    assert (profile["name"], profile["phone_e164"]) == ("Ada Example", "+49301234567")
    assert profile["consent"] == {"email": True, "sms": True}
    journey = desk.client.get("/v1/portal/customers/c-1/journey").json()
    assert (journey["journey"]["current_stage"], journey["journey"]["total_appointments"]) == ("vip", 3)
    assert journey["transitions"][0]["trigger_event"] == "customers_merged"
    (record,) = [event for event in journey["events"] if event["type"] == "customers.merged"]
    assert record["fields"]["merged"] == "c-2"
    entry = desk.rows(
        "select subject, actor, details from audit_log where company_id = %s and action = 'customers.merge'", desk.id
    )
    assert [(subject, details["merged"]) for subject, _, details in entry] == [("customer/c-1", "c-2")]
    assert entry[0][1].startswith("key/")


def test_the_old_id_means_the_customer_who_remains(desk: Tenant) -> None:
    assert merge(desk, "c-2", "c-1").status_code == 200
    desk.settled("c-1")
    get = desk.client.get
    for path in (
        "/v1/customers/{}",
        "/v1/portal/customers/{}/timeline",
        "/v1/customers/{}/messages",
        "/v1/portal/tasks?customer_id={}&status=all",
        "/v1/portal/actions?customer_id={}",
    ):
        old, new = get(path.format("c-2")), get(path.format("c-1"))
        assert (old.status_code, old.json()) == (200, new.json()), path
    explained = get("/v1/customers/c-2/explain").json()
    assert (explained["customer_id"], explained["current_stage"]) == ("c-1", "vip")
    journey = get("/v1/portal/customers/c-2/journey").json()["journey"]
    assert (journey["customer_id"], journey["total_appointments"]) == ("c-1", 3)

    stage = desk.client.post("/v1/customers/c-2/stage", json={"stage": "regular", "reason": "asked for it"})
    assert (stage.status_code, stage.json()["customer_id"]) == (200, "c-1")
    put = desk.client.put("/v1/customers/c-2", json={"name": "Ada", "email": "ada@example.com"})
    assert (put.status_code, put.json()["customer_id"]) == (200, "c-1")
    assert desk.rows("select name, email from customers where company_id = %s and external_id = 'c-2'", desk.id) == [
        (None, None)
    ]
    answer = desk.client.post("/v1/events?wait=10", json=desk.event(customer_id="c-2", **VISIT)).json()
    assert [outcome["outcome"] for outcome in answer["outcomes"]] == ["applied"]
    assert get("/v1/portal/customers/c-1/journey").json()["journey"]["total_appointments"] == 4
    found = get("/v1/portal/relationships?search=c-2").json()["relationships"]
    assert [row["customer_id"] for row in found] == ["c-1"]
    assert len(get("/v1/portal/relationships").json()["relationships"]) == 1


def test_an_event_that_was_sent_before_the_merge_is_a_duplicate(desk: Tenant) -> None:
    event = desk.event(customer_id="c-2", **VISIT)
    desk.client.post("/v1/events?wait=10", json=event)
    merge(desk, "c-2", "c-1")
    answer = desk.client.post("/v1/events?wait=10", json=event).json()
    assert [outcome["outcome"] for outcome in answer["outcomes"]] == ["duplicate"]


def test_a_link_in_an_old_message_unsubscribes_the_customer_who_remains(desk: Tenant) -> None:
    merge(desk, "c-2", "c-1")
    token = unsubscribe_token(LINK_SECRET, desk.id, "c-2", "email")
    assert httpx2.post(f"{desk.url}/u/{token}").status_code == 200
    profile = desk.client.get("/v1/customers/c-1").json()
    assert (profile["consent"]["email"], profile["consent_withdrawn"]) == (False, ["email"])


def test_a_withdrawal_of_either_holds(desk: Tenant) -> None:
    token = unsubscribe_token(LINK_SECRET, desk.id, "c-2", "email")
    httpx2.post(f"{desk.url}/u/{token}")
    assert merge(desk, "c-2", "c-1").json()["consent"] == {"email": False, "sms": True}
    profile = desk.client.get("/v1/customers/c-1").json()
    assert (profile["consent"]["email"], profile["consent_withdrawn"]) == (False, ["email"])


def test_what_is_refused(desk: Tenant, other: Tenant) -> None:
    merge(desk, "c-2", "c-1")
    refused = {
        ("c-1", "c-1"): 409,
        ("c-1", "c-2"): 409,  # an alias of itself
        ("c-2", "c-1"): 409,
        ("nobody", "c-1"): 404,
        ("c-1", "nobody"): 404,
    }
    for (customer, into), status in refused.items():
        for params in ({}, {"preview": 1}):
            assert merge(desk, customer, into, **params).status_code == status, (customer, into, params)
    assert merge(other, "c-2", "c-1").status_code == 404
    assert desk.client.post("/v1/customers/c-1/merge", json={"into": "c 1"}).status_code == 422
    _, key = desk.new_key(api_keys.JOURNEYS_READ, api_keys.JOURNEYS_WRITE)
    assert desk.with_key(key).post("/v1/customers/c-1/merge", json={"into": "c-2"}).status_code == 403


def test_each_into_the_other_at_once(desk: Tenant) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda pair: merge(desk, *pair), (("c-1", "c-2"), ("c-2", "c-1"))))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_a_customer_who_has_only_a_profile(desk: Tenant) -> None:
    desk.client.put("/v1/customers/c-3", json={"phone": "+49 30 7654321", "locale": "de-DE"})
    answer = merge(desk, "c-3", "c-1").json()
    assert (answer["profile"], answer["events"]) == (["phone", "locale"], 0)
    assert answer["stages"] == {"customer_id": None, "into": "customer", "after": "customer"}
    desk.client.put("/v1/customers/c-4", json={"name": "Grace"})
    answer = merge(desk, "c-1", "c-4").json()
    assert answer["stages"] == {"customer_id": "customer", "into": None, "after": "customer"}
    until = time.monotonic() + 10
    while desk.client.get("/v1/customers/c-3/explain").json()["customer_id"] != "c-4":
        assert time.monotonic() < until
    desk.live("c-4", VISIT)
    assert desk.client.get("/v1/portal/customers/c-3/journey").json()["journey"]["total_appointments"] == 2
