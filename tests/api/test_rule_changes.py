"""New versions of a company's rules: validated with their places, guarded by ETags, rolled out to all journeys."""

from __future__ import annotations

import asyncio
import time
from copy import deepcopy
from typing import Any, LiteralString

import psycopg
import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api import rule_versions
from contracts import names
from contracts.maintenance import RolloutStart
from tests.api.conftest import Tenant
from tests.api.test_reading import VISIT, live


def rules(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = tenant.client.get("/v1/stages").json()
    return found


def put(tenant: Tenant, body: dict[str, Any], version: int | None = None) -> Any:
    headers = {"If-Match": f'"{version or body.get("version")}"'}
    return tenant.client.put("/v1/stages", json=body, headers=headers)


def vip_from(body: dict[str, Any], amount: int) -> dict[str, Any]:
    """The same rules, with another threshold of the stage vip."""
    changed = deepcopy(body)
    (vip,) = [stage for stage in changed["stages"] if stage["stage_key"] == "vip"]
    vip["auto_transition_rules"] = {"trigger": "lifetime_value", "conditions": {"value": f">={amount}"}}
    return changed


def rolled_out(tenant: Tenant, version: int) -> dict[str, Any]:
    end = time.monotonic() + 60
    while True:
        found: dict[str, Any] = tenant.client.get(f"/v1/stages/rollouts/{version}").json()
        if found["status"] not in ("running", "paused") or time.monotonic() > end:
            return found
        time.sleep(0.2)


def stage_of(tenant: Tenant, customer: str) -> str:
    return str(tenant.client.get(f"/v1/portal/customers/{customer}/journey").json()["journey"]["current_stage"])


def test_what_is_read_can_be_sent_back_and_changes_nothing(tenant: Tenant) -> None:
    answer = tenant.client.get("/v1/stages")
    assert answer.headers["etag"] == '"1"'
    sent = put(tenant, answer.json())
    assert (sent.status_code, sent.json()) == (202, {"version": 1, "rollout_id": None})
    (only,) = tenant.client.get("/v1/stages/versions").json()["versions"]
    assert (only["version"], only["actor"], only["is_current"]) == (1, "system", True)


def test_a_change_counts_for_all_journeys(tenant: Tenant, working: None) -> None:
    live(tenant, "rich", {**VISIT, "amount": "600.00"})
    live(tenant, "poor", {**VISIT, "amount": "60.00"})
    before = rules(tenant)
    answer = put(tenant, {**vip_from(before, 500), "reason": "VIP from 500"})
    assert (answer.status_code, answer.json()) == (202, {"version": 2, "rollout_id": "2"})
    assert answer.headers["etag"] == '"2"'
    done = rolled_out(tenant, 2)
    assert (done["status"], done["total"], done["looked"], done["changed"], done["unchanged"], done["left"]) == (
        *("complete", 2, 2, 1, 1, 0),
    )
    assert done["moves"] == [{"from": "customer", "to": "vip", "count": 1}]
    assert [stage_of(tenant, customer) for customer in ("rich", "poor")] == ["vip", "customer"]
    found = tenant.client.get("/v1/portal/customers/rich/journey").json()
    move = found["transitions"][0]
    assert (move["trigger_type"], move["trigger_event"]) == ("system", "rules_changed")
    newest, first = tenant.client.get("/v1/stages/versions").json()["versions"]
    assert (newest["version"], newest["reason"], newest["is_current"]) == (2, "VIP from 500", True)
    assert (first["version"], first["stages"]) == (1, before["stages"])
    assert newest["actor"].startswith("key/")
    assert move["transitioned_at"][:19] == newest["effective_at"][:19]


@pytest.mark.parametrize("run_actions", [False, True])
def test_actions_run_only_if_the_change_asks_for_it(tenant: Tenant, working: None, run_actions: bool) -> None:
    live(tenant, "rich", {**VISIT, "amount": "600.00"})
    put(tenant, {**vip_from(rules(tenant), 500), "run_actions": run_actions})
    assert rolled_out(tenant, 2)["moved"] == 1
    actions = {action["action"] for action in tenant.settled("rich")}
    assert ("create_quarterly_review" in actions) == run_actions


def test_a_stage_that_is_gone_is_left(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", {**VISIT, "amount": "2000.00"})
    assert stage_of(tenant, "c-1") == "vip"
    before = rules(tenant)
    without = {**before, "stages": [stage for stage in before["stages"] if stage["stage_key"] != "vip"]}
    assert put(tenant, without).status_code == 202
    assert rolled_out(tenant, 2)["moves"] == [{"from": "vip", "to": "customer", "count": 1}]
    found = tenant.client.get("/v1/portal/customers/c-1/journey").json()
    assert found["transitions"][0]["from_stage_name"] == "VIP Customer"
    (gone,) = [stage for stage in rules(tenant)["stages"] if not stage["is_active"]]
    assert gone["stage_key"] == "vip"
    restored = tenant.client.post("/v1/stages/versions/1/restore", headers={"If-Match": '"2"'})
    assert restored.json() == {"version": 3, "rollout_id": "3"}
    assert rolled_out(tenant, 3)["moves"] == [{"from": "customer", "to": "vip", "count": 1}]
    assert rules(tenant)["stages"] == before["stages"]
    newest = tenant.client.get("/v1/stages/versions").json()["versions"][0]
    assert (newest["version"], newest["restores"]) == (3, 1)


def test_nobodys_change_is_overwritten(tenant: Tenant) -> None:
    before = rules(tenant)
    assert put(tenant, vip_from(before, 500)).status_code == 202
    late = put(tenant, vip_from(before, 700))
    assert (late.status_code, late.headers["etag"]) == (412, '"2"')
    assert "version 2 is in force" in late.json()["detail"]
    assert tenant.client.put("/v1/stages", json=before).status_code == 428
    wrong = tenant.client.put("/v1/stages", json=before, headers={"If-Match": "yesterday"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "If-Match")
    assert rules(tenant)["version"] == 2


def test_each_mistake_has_its_place(tenant: Tenant) -> None:
    body = rules(tenant)
    stages = body["stages"]
    stages[0]["color"] = "red"
    stages[1]["auto_transition_rules"][0]["conditions"]["call_duration"] = "60"
    stages[2]["actions"] = ["dance"]
    stages[3]["auto_transition_rules"] = {"trigger": "appointment_count", "conditions": {"visits": ">1"}}
    stages[4]["stage_name"] = "x" * 256
    stages[5]["role"] = "vip"
    stages[6]["order_index"] = 1
    body["scoring"]["risk_missed_weight"] = "1.5"
    answer = put(tenant, body)
    assert answer.status_code == 422
    found = {error["field"]: error for error in answer.json()["errors"]}
    assert set(found) == {
        "stages[0].color",
        "stages[1].auto_transition_rules[0].conditions.call_duration",
        "stages[2].actions",
        "stages[3].auto_transition_rules.conditions",
        "stages[4].stage_name",
        "stages[5].role",
        "stages[6].order_index",
        "scoring.risk_missed_weight",
    }
    assert found["stages[1].auto_transition_rules[0].conditions.call_duration"]["value"] == "60"
    assert rules(tenant)["version"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stages": []}, "stages"),
        ({"stages": None}, "stages"),
        ({"stages": [{"stage_key": f"s{n}"} for n in range(13)]}, "stages"),
        ({"stages": [{"stage_key": "a"}, {"stage_key": "a"}]}, "stages[1].stage_key"),
        ({"stages": [{"stage_key": "a", "kind": "lapse"}, {"stage_key": "b", "kind": "lapse"}]}, "stages"),
        ({"scoring": {"nonsense": 1}}, "scoring"),
        ({"scoring": {"engagement_money_weight": "0.9"}}, "scoring.engagement_*_weight"),
        ({"reason": " "}, "reason"),
        ({"run_actions": "yes"}, "run_actions"),
        ({"rules": []}, "rules"),
    ],
)
def test_an_invalid_change_is_refused(tenant: Tenant, change: dict[str, Any], field: str) -> None:
    answer = put(tenant, {**rules(tenant), **change}, version=1)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert rules(tenant)["version"] == 1


def test_versions_cannot_be_changed(tenant: Tenant, database_url: str) -> None:
    put(tenant, vip_from(rules(tenant), 500))
    statements: tuple[LiteralString, ...] = (
        "update rulebook_versions set reason = 'x'",
        "delete from rulebook_versions",
    )
    for statement in statements:
        with psycopg.connect(database_url) as owner:
            owner.execute("alter table rulebook_versions no force row level security")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(statement)


def start_paused(tenant: Tenant, temporal_address: str, version: int) -> None:
    """Start the roll-out of a version that is not in force yet, paused."""

    async def start() -> None:
        client = await Client.connect(temporal_address)
        start = RolloutStart(tenant.id, version)
        workflow_id = names.rollout_id(tenant.id, version)
        await client.start_workflow(
            names.RULES_ROLLOUT, start, id=workflow_id, task_queue=names.TASK_QUEUE, start_signal=names.PAUSE_SIGNAL
        )

    asyncio.run(start())


def test_a_paused_roll_out_waits(tenant: Tenant, working: None, temporal_address: str) -> None:
    live(tenant, "rich", {**VISIT, "amount": "600.00"})
    assert tenant.client.post("/v1/stages/rollouts/2/pause").status_code == 404
    start_paused(tenant, temporal_address, 2)
    assert put(tenant, vip_from(rules(tenant), 500)).json()["rollout_id"] == "2"
    assert tenant.client.post("/v1/stages/rollouts/2/pause").json()["status"] == "paused"
    time.sleep(1)
    waiting = tenant.client.get("/v1/stages/rollouts/2").json()
    assert (waiting["status"], waiting["looked"], waiting["moved"]) == ("paused", 0, 0)
    assert stage_of(tenant, "rich") == "customer"
    assert tenant.client.post("/v1/stages/rollouts/2/continue").status_code == 200
    done = rolled_out(tenant, 2)
    assert (done["status"], done["moved"]) == ("complete", 1)


def test_a_newer_version_ends_the_roll_out_of_an_earlier_one(
    tenant: Tenant, working: None, temporal_address: str
) -> None:
    live(tenant, "rich", {**VISIT, "amount": "600.00"})
    start_paused(tenant, temporal_address, 2)
    put(tenant, vip_from(rules(tenant), 500))
    put(tenant, vip_from(rules(tenant), 700))
    assert rolled_out(tenant, 3)["status"] == "complete"
    tenant.client.post("/v1/stages/rollouts/2/continue")
    earlier = rolled_out(tenant, 2)
    assert (earlier["status"], earlier["moved"]) == ("replaced", 0)
    assert stage_of(tenant, "rich") == "customer"


def test_nothing_is_changed_if_the_roll_out_cannot_begin(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")

    before = rules(tenant)
    monkeypatch.setattr(rule_versions, "start_rollout", away)
    answer = put(tenant, vip_from(before, 500))
    assert (answer.status_code, answer.json()["part"]) == (503, "Temporal")
    assert rules(tenant) == before
    assert tenant.client.get("/v1/stages/rollouts/2").status_code == 404
    assert tenant.client.get("/v1/stages/rollouts/9").status_code == 404


def test_the_presets_can_be_sent(tenant: Tenant) -> None:
    for preset in tenant.client.get("/v1/stages/presets").json()["presets"]:
        assert preset["description"]
        version = rules(tenant)["version"]
        answer = tenant.client.put(
            "/v1/stages", json={"stages": preset["stages"]}, headers={"If-Match": f'"{version}"'}
        )
        assert answer.status_code == 202, answer.text


def test_only_admins_change_rules(tenant: Tenant) -> None:
    reader = tenant.with_key(tenant.new_key("journeys:read", "journeys:write", "events:write")[1])
    body = rules(tenant)
    assert reader.get("/v1/stages/versions").status_code == 200
    assert reader.put("/v1/stages", json=body, headers={"If-Match": '"1"'}).status_code == 403
    assert reader.post("/v1/stages/versions/1/restore", headers={"If-Match": '"1"'}).status_code == 403
