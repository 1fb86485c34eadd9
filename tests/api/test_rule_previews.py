"""Previews of changed rules: what they say comes true, and they change nothing themselves."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import active_children
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api import rule_previews as shared
from contracts.preview_requests import PreviewStart
from contracts.rule_previews import start_preview
from tests.api.conftest import Tenant
from tests.api.test_reading import VISIT
from tests.api.test_rule_changes import put, rolled_out, rules, vip_from
from tests.support.rollout_checks import compare, stored_journeys
from tests.support.rule_edits import edited


def preview(tenant: Tenant, body: dict[str, Any]) -> dict[str, Any]:
    """Preview a change and wait for the result."""
    answer = tenant.client.post("/v1/stages/preview", json=body)
    assert answer.status_code == 202, answer.text
    return completed(tenant, answer.json()["id"])


def completed(tenant: Tenant, preview_id: int) -> dict[str, Any]:
    end = time.monotonic() + 60
    while True:
        found: dict[str, Any] = tenant.client.get(f"/v1/stages/previews/{preview_id}").json()
        if found["status"] != "running" or time.monotonic() > end:
            return found
        time.sleep(0.1)


def listed(tenant: Tenant, preview_id: int, **filters: Any) -> dict[str, Any]:
    answer = tenant.client.get(f"/v1/stages/previews/{preview_id}/customers", params=filters)
    found: dict[str, Any] = answer.json()
    return found


def test_a_preview_says_what_the_roll_out_then_does(tenant: Tenant, working: None) -> None:
    for customer, amount in (("rich", "600.00"), ("poor", "60.00"), ("vip", "2000.00")):
        tenant.live(customer, {**VISIT, "amount": amount})
    tenant.client.put("/v1/customers/rich", json={"name": "=Ada Example"})
    before = rules(tenant)
    changed = vip_from(before, 500)
    found = preview(tenant, {**changed, "reason": "VIP from 500"})
    assert (found["status"], found["progress"], found["total"], found["looked"]) == ("complete", 1.0, 3, 3)
    assert found["moves"] == [{"from": "customer", "to": "vip", "count": 1}]
    assert found["actions"] == {
        "assign_dedicated_manager": 1,
        "create_quarterly_review": 1,
        "send_vip_benefits_email": 1,
    }
    assert (found["messages"], found["campaigns"], found["gone"]) == (1, 0, [])
    sizes = {size["stage"]: (size["before"], size["after"]) for size in found["stages"]}
    assert (sizes["customer"], sizes["vip"]) == ((2, 1), (1, 2))
    past = found["past"]
    assert {"from": "customer", "to": "vip", "count": 1} in past["old"]
    assert {"from": "customer", "to": "vip", "count": 2} in past["new"]
    assert past["customers_different"] == 1
    (customer,) = listed(tenant, found["id"])["customers"]
    assert (customer["customer_id"], customer["from"], customer["to"]) == ("rich", "customer", "vip")
    assert customer["past"] == {"old": ["prospect", "customer"], "new": ["prospect", "customer", "vip"]}
    assert customer["next_deadline"] is not None
    assert rules(tenant) == before
    assert tenant.client.get("/v1/portal/customers/rich/journey").json()["journey"]["current_stage"] == "customer"
    text = tenant.client.get(f"/v1/stages/previews/{found['id']}/customers.csv").text
    head, row = csv.reader(text.splitlines())
    assert (head[:4], row[:4]) == (["customer_id", "name", "from", "to"], ["rich", "'=Ada Example", "customer", "vip"])
    put(tenant, changed)  # the newest preview of the same change is found
    done = rolled_out(tenant, 2)
    assert (done["moves"], done["preview_id"]) == (found["moves"], found["id"])
    assert done["report"] == {"planned": 1, "moved": 1, "as_planned": 1, "differing": {}, "customers": []}


def test_every_journey_becomes_what_the_preview_said(tenant: Tenant, working: None) -> None:
    """Edits, each from the rules of the one before; some customers come between preview and roll-out."""
    chance = random.Random(13)
    events: list[dict[str, Any]] = []
    for number in range(24):
        days = sorted({round(chance.uniform(0, 300), 3) for _ in range(chance.randint(1, 8))}, reverse=True)
        amounts = (str(chance.choice([20, 60, 180, 420])) for _ in days)
        visits = (visit_of(day, amount) for day, amount in zip(days, amounts, strict=True))
        events += [tenant.event(customer_id=f"c-{number}", **visit) for visit in visits]
    for first in range(0, len(events), 100):
        answer = tenant.client.post("/v1/events?wait=10", json={"events": events[first : first + 100]})
        assert {outcome["outcome"] for outcome in answer.json()["outcomes"]} == {"applied"}
    moved = 0
    for version, name in enumerate(("threshold down", "stage removed", "lapse by rhythm"), 2):
        stages = edited(rules(tenant)["stages"], name)
        before = stored_journeys(tenant.database_url, tenant.id)
        found = preview(tenant, {"stages": stages})
        for number in chance.sample(range(24), 4):
            tenant.live(f"c-{number}", visit_of(0, "150"))
        assert put(tenant, {"stages": stages, "preview_id": found["id"]}, version - 1).status_code == 202
        done = rolled_out(tenant, version)
        compared = compare(tenant.database_url, tenant.id, before, found["id"], version)
        assert compared.differences == [], name
        assert (compared.counts["as planned"], compared.counts["event"]) == (20, 4), (name, compared.counts)
        assert set(done["report"]["differing"]) <= {"event"}
        moved += done["report"]["as_planned"]
    assert moved > 10


def visit_of(days_ago: float, amount: str) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    return {**VISIT, "amount": f"{amount}.00", "occurred_at": at}


def test_customers_are_filtered_and_paged(tenant: Tenant, working: None) -> None:
    for number in range(3):
        tenant.live(f"c-{number}", {**VISIT, "amount": "2000.00"})
    tenant.client.put("/v1/customers/c-1", json={"name": "Ada Example"})
    before = rules(tenant)
    without = {"stages": [stage for stage in before["stages"] if stage["stage_key"] != "vip"]}
    found = preview(tenant, without)
    assert found["gone"] == [{"stage": "vip", "customers": 3, "held": 0, "to": [{"stage": "customer", "count": 3}]}]
    assert found["moves"] == [{"from": "vip", "to": "customer", "count": 3}]
    first = listed(tenant, found["id"], limit=2)
    rest = listed(tenant, found["id"], limit=2, cursor=first["next_cursor"])
    assert [c["customer_id"] for c in first["customers"] + rest["customers"]] == ["c-0", "c-1", "c-2"]
    assert rest["next_cursor"] is None
    assert [c["customer_id"] for c in listed(tenant, found["id"], q="ada")["customers"]] == ["c-1"]
    assert len(listed(tenant, found["id"], **{"from": "vip", "to": "customer"})["customers"]) == 3
    assert listed(tenant, found["id"], to="vip")["customers"] == []
    assert len(listed(tenant, found["id"], past_differs=True)["customers"]) == 3
    assert tenant.client.get(f"/v1/stages/previews/{found['id']}/customers?cursor=x").status_code == 422
    path = f"/v1/stages/previews/{found['id']}"
    assert tenant.client.delete(path).status_code == 204
    assert [tenant.client.get(path + more).status_code for more in ("", "/customers", "/customers.csv")] == [404] * 3
    assert tenant.client.delete(path).status_code == 404


def test_what_differs_from_the_preview_is_reported(tenant: Tenant, working: None) -> None:
    for customer in ("rich", "set", "more"):
        tenant.live(customer, {**VISIT, "amount": "600.00"})
    tenant.live("poor", {**VISIT, "amount": "60.00"})
    changed = vip_from(rules(tenant), 500)
    found = preview(tenant, changed)
    other = preview(tenant, vip_from(rules(tenant), 400))
    assert found["moves"] == [{"from": "customer", "to": "vip", "count": 3}]
    tenant.live("poor", {**VISIT, "amount": "460.00"})
    tenant.client.post("/v1/customers/set/stage", json={"stage": "regular", "reason": "a friend", "hold": True})
    wrong = put(tenant, {**changed, "preview_id": other["id"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "preview_id")
    assert put(tenant, {**changed, "preview_id": "x"}).status_code == 422
    assert put(tenant, {**changed, "preview_id": found["id"]}).status_code == 202
    done = rolled_out(tenant, 2)
    report = done["report"]
    assert (done["looked"], done["left"]) == (4, 0)
    assert (report["planned"], report["moved"], report["as_planned"]) == (3, 3, 2)
    assert report["differing"] == {"event": 1, "set": 1}
    planned = {customer["customer_id"]: (customer["planned"], customer["reason"]) for customer in report["customers"]}
    assert planned == {"poor": (None, "event"), "set": ({"from": "customer", "to": "vip"}, "set")}


def test_a_restore_and_ready_made_rules_have_previews(tenant: Tenant, working: None) -> None:
    tenant.live("rich", {**VISIT, "amount": "600.00"})
    put(tenant, vip_from(rules(tenant), 500))
    rolled_out(tenant, 2)
    restored = preview(tenant, {"version": 1})
    assert (restored["base_version"], restored["moves"]) == (2, [])  # a raised threshold takes no stage away
    assert {"from": "customer", "to": "vip", "count": 1} not in restored["past"]["new"]
    assert preview(tenant, {"preset": "rhythm", "since": "2020-01-01T00:00:00+01:00"})["since"] == (
        "2019-12-31T23:00:00Z"
    )
    assert tenant.client.post("/v1/stages/preview", json={"version": 9}).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "stages"),
        ({"stages": []}, "stages"),
        ({"preset": "quick"}, "preset"),
        ({"preset": "rhythm", "stages": []}, "preset"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"version": 1, "scoring": {}}, "scoring"),
        ({"preset": "default", "scoring": {"risk_open_tickets": "x"}}, "scoring.risk_open_tickets"),
        ({"preset": "default", "since": "yesterday"}, "since"),
        ({"preset": "default", "since": "2020-01-01"}, "since"),
        ({"preset": "default", "since": "2020-01-01T00:00:00"}, "since"),
        ({"preset": "default", "since": "2999-01-01T00:00:00Z"}, "since"),
        ({"preset": "default", "rules": []}, "rules"),
    ],
)
def test_an_invalid_preview_is_refused(tenant: Tenant, body: dict[str, Any], field: str) -> None:
    answer = tenant.client.post("/v1/stages/preview", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_killed_computation_is_tried_again(tenant: Tenant, working: None) -> None:
    tenant.live("rich", {**VISIT, "amount": "600.00"})
    before = preview(tenant, {"preset": "rhythm"})
    for process in active_children():
        os.kill(process.pid or 0, signal.SIGKILL)
    again = preview(tenant, {"preset": "rhythm"})
    assert again["status"] == "complete"
    assert {**again, "id": 0, "as_of": ""}.keys() == before.keys()
    assert (again["moves"], again["stages"]) == (before["moves"], before["stages"])


def test_a_result_is_deleted_after_its_time(tenant: Tenant, working: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start_briefly(client: Client, start: PreviewStart) -> None:
        await start_preview(client, replace(start, kept=0.5))

    monkeypatch.setattr(shared, "start_preview", start_briefly)
    preview_id = tenant.client.post("/v1/stages/preview", json={"preset": "rhythm"}).json()["id"]
    end = time.monotonic() + 30
    while tenant.client.get(f"/v1/stages/previews/{preview_id}").status_code != 404:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert tenant.rows("select preview_id from rule_preview_chunks where company_id = %s", tenant.id) == []


def test_few_previews_run_at_once(tenant: Tenant, working: None) -> None:
    begun = [preview(tenant, {"preset": "rhythm"})["id"] for _ in range(2)]
    as_running = "update rule_previews set status = 'running' where company_id = %s returning id"
    tenant.rows(as_running, tenant.id)  # their workflows run until the results are deleted
    answer = tenant.client.post("/v1/stages/preview", json={"preset": "rhythm"})
    assert (answer.status_code, str(begun[0]) in answer.json()["detail"]) == (409, True)
    assert tenant.client.delete(f"/v1/stages/previews/{begun[0]}").status_code == 204
    assert tenant.client.post("/v1/stages/preview", json={"preset": "rhythm"}).status_code == 202


def test_a_preview_whose_workflow_is_gone_has_failed(tenant: Tenant) -> None:
    statement = (
        "insert into rule_previews (company_id, actor, base_version, stages, scoring, as_of)"
        " values (%s, 'key/1', 1, '[]', '{}', now()) returning id"
    )
    ((preview_id,),) = tenant.rows(statement, tenant.id)
    found = tenant.client.get(f"/v1/stages/previews/{preview_id}").json()
    assert (found["status"], found["reason"]) == ("failed", shared.ENDED)


def test_nothing_is_recorded_if_the_preview_cannot_begin(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")

    monkeypatch.setattr(shared, "start_preview", away)
    answer = tenant.client.post("/v1/stages/preview", json={"preset": "rhythm"})
    assert (answer.status_code, answer.json()["part"]) == (503, "Temporal")
    assert tenant.rows("select id from rule_previews where company_id = %s", tenant.id) == []


def test_only_admins_preview(tenant: Tenant) -> None:
    reader = tenant.with_key(tenant.new_key("journeys:read", "journeys:write", "events:write")[1])
    assert reader.post("/v1/stages/preview", json={"preset": "rhythm"}).status_code == 403
    assert reader.delete("/v1/stages/previews/1").status_code == 403
    assert reader.get("/v1/stages/previews/1").status_code == 404
