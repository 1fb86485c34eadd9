"""POST /v1/events: formats, validation and responses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from temporalio.client import Client

from tests.api.conftest import Tenant
from tests.support.bad_events import BAD_EVENTS, BODY, BadEvent


def kinds(answer: Any) -> list[str]:
    return [outcome["outcome"] for outcome in answer.json()["outcomes"]]


async def test_202_means_that_temporal_has_stored_the_event(tenant: Tenant, temporal_address: str) -> None:
    event = tenant.event(customer_id="c-1", duration_seconds=61.0)
    answer = tenant.client.post("/v1/events", json=event)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    client = await Client.connect(temporal_address)
    history = await client.get_workflow_handle(f"journey/{tenant.id}/c-1").fetch_history()
    signals = [e for e in history.events if e.HasField("workflow_execution_signaled_event_attributes")]
    (payload,) = signals[0].workflow_execution_signaled_event_attributes.input.payloads
    assert json.loads(payload.data) == [{**event, "duration_seconds": 61}]


async def test_events_of_one_customer_come_in_one_signal(tenant: Tenant, temporal_address: str) -> None:
    events = [tenant.event(customer_id=f"c-{n % 2}") for n in range(10)]
    assert tenant.client.post("/v1/events", json={"events": events}).json() == {"accepted": 10, "rejected": []}
    client = await Client.connect(temporal_address)
    history = await client.get_workflow_handle(f"journey/{tenant.id}/c-0").fetch_history()
    signals = [e for e in history.events if e.HasField("workflow_execution_signaled_event_attributes")]
    (payload,) = signals[0].workflow_execution_signaled_event_attributes.input.payloads
    assert len(signals) == 1
    assert [fields["id"] for fields in json.loads(payload.data)] == [
        e["id"] for e in events if e["customer_id"] == "c-0"
    ]


def test_the_valid_events_of_a_batch_are_accepted(tenant: Tenant) -> None:
    good, bad = tenant.event(), tenant.event(duration_seconds=-1)
    answer = tenant.client.post("/v1/events", json={"events": [good, bad, 7]})
    assert answer.status_code == 202
    (one, two) = answer.json()["rejected"]
    assert answer.json()["accepted"] == 1
    assert (one["index"], one["id"], one["errors"][0]["field"], one["errors"][0]["value"]) == (
        1,
        bad["id"],
        "duration_seconds",
        "-1",
    )
    assert (two["index"], two["id"], two["errors"][0]["field"]) == (2, None, "(body)")


def test_the_same_id_twice_in_a_batch_counts_once(tenant: Tenant) -> None:
    event = tenant.event()
    other = {**event, "duration_seconds": 5}
    again = {**event, "duration_seconds": 90.0}  # the same content in another notation
    answer = tenant.client.post("/v1/events", json={"events": [event, again, other]}).json()
    assert answer["accepted"] == 1
    assert [(r["index"], r["errors"][0]["field"]) for r in answer["rejected"]] == [(2, "id")]
    assert "conflict" in answer["rejected"][0]["errors"][0]["problem"]


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_1_to_1000_events(tenant: Tenant, count: int) -> None:
    answer = tenant.client.post("/v1/events", json={"events": [tenant.event() for _ in range(count)]})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "events", "value": f"{count} events", "problem": "1 to 1000 events"}]


def test_a_batch_of_1000_is_accepted(tenant: Tenant) -> None:
    events = [tenant.event(customer_id=f"c-{n % 20}") for n in range(1000)]
    assert tenant.client.post("/v1/events", json={"events": events}).json()["accepted"] == 1000


def test_large_batches_are_split_into_several_signals(tenant: Tenant) -> None:
    # 900 kB of text, which Temporal's converter makes three times as long
    events = [tenant.event(type="feedback.received", rating=5, comment="é" * 2000) for _ in range(220)]
    body = json.dumps({"events": events}, ensure_ascii=False).encode()
    answer = tenant.client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 220)


def test_amounts_stay_exact(tenant: Tenant, working: None) -> None:
    body = json.dumps(tenant.event(type="appointment.completed", amount="AMOUNT"))
    for text in (b"99999999.99", b"0.10", b"1e2", b'"12.3"'):
        raw = body.encode().replace(b'"AMOUNT"', text).replace(b'"c-1"', b'"c-%d"' % len(text))
        raw = raw.replace(b'"id": "', b'"id": "%d' % len(text))
        assert kinds(tenant.client.post("/v1/events?wait=10", content=raw)) == ["applied"]
    payloads = tenant.rows("select payload ->> 'amount' from journey_events where company_id = %s", tenant.id)
    assert sorted(row[0] for row in payloads) == ["0.10", "100.00", "12.30", "99999999.99"]


@pytest.mark.parametrize("bad", BAD_EVENTS, ids=[bad.name for bad in BAD_EVENTS])
def test_a_bad_event_gets_a_precise_422(tenant: Tenant, bad: BadEvent) -> None:
    answer = tenant.client.post("/v1/events", content=bad.raw)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    (rejected,) = answer.json()["rejected"]
    fields = [error["field"] for error in rejected["errors"]]
    assert fields == (["type", "id", "customer_id", "occurred_at"] if bad.raw == b"{}" else [bad.field])
    assert all(error["problem"] and error["value"] is not None for error in rejected["errors"])


def test_every_problem_of_an_event_is_reported(tenant: Tenant) -> None:
    bad = {**tenant.event(), "customer_id": " c-1 ", "rating": 4.5, "duration_seconds": "90", "surprise": 1}
    answer = tenant.client.post("/v1/events", json=bad)
    assert (answer.status_code, answer.json()["errors"]) == (422, answer.json()["rejected"][0]["errors"])
    errors = {error["field"]: error["value"] for error in answer.json()["errors"]}
    assert errors == {"customer_id": '" c-1 "', "rating": "4.5", "duration_seconds": "90", "surprise": "1"}


def test_every_problem_of_a_cloudevent_is_reported_with_its_attribute(tenant: Tenant) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    answer = tenant.client.post("/v1/events", json=cloudevent(tenant, subject="a b", time="yesterday"), headers=headers)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"subject", "time"}


def test_the_problems_of_an_event_are_limited(tenant: Tenant) -> None:
    answer = tenant.client.post("/v1/events", json={**tenant.event(), **{f"x{n}": n for n in range(5000)}})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 10)


def test_invalid_events_do_not_affect_valid_ones(tenant: Tenant) -> None:
    parsable = [bad for bad in BAD_EVENTS if bad.field != BODY]
    good = json.dumps(tenant.event()).encode()
    answer = tenant.client.post(
        "/v1/events", content=b'{"events": [' + b",".join([good, *(bad.raw for bad in parsable)]) + b"]}"
    )
    if answer.status_code == 202:  # unless a raw text makes the whole body invalid
        assert answer.json()["accepted"] == 1
        assert [r["errors"][0]["field"] for r in answer.json()["rejected"]] == [bad.field for bad in parsable]
    else:
        assert answer.status_code == 422


def test_a_body_over_1_mib_is_refused_at_once(tenant: Tenant) -> None:
    answer = tenant.client.post("/v1/events", content=b" " * 2 * 1024 * 1024)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "too-large")


def test_a_body_of_unknown_length_is_read_to_the_limit_only(tenant: Tenant) -> None:
    sent = 0

    def chunks() -> Any:
        nonlocal sent
        for _ in range(200):
            sent += 64 * 1024
            yield b" " * 64 * 1024

    answer = tenant.client.post("/v1/events", content=chunks())
    assert answer.status_code == 413
    assert sent <= 200 * 64 * 1024


def test_other_content_types_are_refused(tenant: Tenant) -> None:
    answer = tenant.client.post("/v1/events", content=b"id=1", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def cloudevent(tenant: Tenant, **attributes: Any) -> dict[str, Any]:
    plain = tenant.event()
    return {
        "specversion": "1.0",
        "source": "/crm",
        "id": plain["id"],
        "type": "com.example.appointment.completed",
        "subject": "c-9",
        "time": plain["occurred_at"],
        "datacontenttype": "application/json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"amount": 12.5},
        **attributes,
    }


def test_a_cloudevent(tenant: Tenant, working: None) -> None:
    event = cloudevent(tenant)
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    answer = tenant.client.post("/v1/events?wait=10", json=event, headers=headers)
    assert answer.json()["outcomes"][0]["id"] == f"/crm {event['id']}"
    journey = tenant.client.get("/v1/portal/customers/c-9/journey").json()
    assert journey["journey"]["lifetime_value"] == 12.5
    assert journey["events"][0]["type"] == "appointment.completed"


def test_ids_of_different_sources_are_different(tenant: Tenant, working: None) -> None:
    batch = [cloudevent(tenant, source="/shop1", id="2"), cloudevent(tenant, source="/shop", id="12")]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    answer = tenant.client.post("/v1/events?wait=10", json=batch, headers=headers)
    assert kinds(answer) == ["applied", "applied"]


@pytest.mark.parametrize(
    ("attribute", "value", "field"),
    [
        ("specversion", "0.3", "specversion"),
        ("subject", None, "subject"),
        ("subject", "a b", "subject"),
        ("time", "2026-01-01", "time"),
        ("type", "com.example.moon", "type"),
        ("source", "", "source"),
        ("source", "x" * 128, "id"),
        ("data", [1], "data"),
        ("data", {"amount": 1.001}, "amount"),
        ("data", {"customer_id": "c-2"}, "data.customer_id"),
        ("data_base64", "AAAA", "data_base64"),
        ("datacontenttype", "text/xml", "datacontenttype"),
    ],
)
def test_bad_cloudevents(tenant: Tenant, attribute: str, value: Any, field: str) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    answer = tenant.client.post("/v1/events", json=cloudevent(tenant, **{attribute: value}), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_wait_returns_outcomes(tenant: Tenant, working: None) -> None:
    event = tenant.event(type="appointment.completed", amount="1200")
    first = tenant.client.post("/v1/events?wait=10", json=event)
    assert first.status_code == 200
    (outcome,) = first.json()["outcomes"]
    assert outcome["outcome"] == "applied"
    assert [t["to_stage"] for t in outcome["transitions"]] == ["prospect", "customer", "vip"]
    assert kinds(tenant.client.post("/v1/events?wait=10", json=event)) == ["duplicate"]
    assert kinds(tenant.client.post("/v1/events?wait=10", json={**event, "amount": "1"})) == ["conflict"]
    batch = {"events": [event, tenant.event(), {**event, "id": "new"}, tenant.event(duration_seconds="x")]}
    answer = tenant.client.post("/v1/events?wait=10", json=batch)
    assert kinds(answer) == ["duplicate", "applied", "applied"]
    assert [r["index"] for r in answer.json()["rejected"]] == [3]


@pytest.mark.parametrize("wait", ["0", "-1", "11", "nan", "inf", "soon", "", "1_0", "１", " 1"])
def test_wait_is_at_most_ten_seconds(tenant: Tenant, wait: str) -> None:
    answer = tenant.client.post(f"/v1/events?wait={wait}", json=tenant.event())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "wait")
