"""Tasks: listed, completed and assigned through their journey."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Tenant
from tests.api.test_reading import forged


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company with two sales staff (one inactive), a manager and the lead c-1, whose actions are done."""
    for name, role in (("Sam", "sales"), ("Gone", "sales"), ("Max", "manager")):
        assert tenant.client.post("/v1/staff", json={"name": name, "role": role}).status_code == 201
    assert tenant.client.patch(f"/v1/staff/{person(tenant, 'Gone')}", json={"is_active": False}).status_code == 200
    tenant.live("c-1", {})
    tenant.settled("c-1")
    return tenant


def person(tenant: Tenant, name: str) -> int:
    (found,) = [p["id"] for p in tenant.client.get("/v1/portal/staff").json()["staff"] if p["name"] == name]
    return int(found)


def open_task(tenant: Tenant) -> dict[str, Any]:
    (task,) = tenant.client.get("/v1/portal/tasks", params={"kind": "follow_up"}).json()["tasks"]
    found: dict[str, Any] = task
    return found


def test_completing_a_task_goes_through_its_journey(desk: Tenant) -> None:
    task = open_task(desk)
    assert (task["customer_id"], task["current_stage"], task["staff_name"]) == ("c-1", "lead", "Sam")
    answer = desk.client.post(f"/v1/portal/tasks/{task['id']}/done", json={"note": "Comes on Friday"})
    assert (answer.status_code, answer.json()["customer_id"]) == (200, "c-1")
    done = answer.json()["task"]
    ((key_id,),) = desk.rows("select id from api_keys where company_id = %s", desk.id)
    assert (done["status"], done["note"], done["done_by"]) == ("done", "Comes on Friday", key_id)
    assert datetime.now(UTC) - datetime.fromisoformat(done["done_at"]) < timedelta(minutes=1)
    again = desk.client.post(f"/v1/portal/tasks/{task['id']}/done")  # the body is optional
    assert (again.status_code, again.json()["task"]) == (200, done)
    assert desk.client.get("/v1/portal/tasks?kind=follow_up").json()["tasks"] == []
    assert desk.client.get("/v1/portal/tasks?kind=follow_up&status=done").json()["tasks"] == [done]


def test_assigning_and_unassigning_a_task(desk: Tenant) -> None:
    task = open_task(desk)
    path = f"/v1/portal/tasks/{task['id']}/assign"
    given = desk.client.post(path, json={"staff_id": person(desk, "Max")})
    assert (given.status_code, given.json()["task"]["staff_name"]) == (200, "Max")
    assert desk.client.get("/v1/portal/tasks", params={"assigned_to": person(desk, "Sam")}).json()["tasks"] == []
    assert desk.client.post(path, json={"staff_id": None}).json()["task"]["assigned_to"] is None
    (free,) = desk.client.get("/v1/portal/tasks?assigned_to=nobody").json()["tasks"]
    assert free["id"] == task["id"]


def test_assignees_must_be_active_staff_of_the_company(desk: Tenant, other: Tenant) -> None:
    stranger = other.client.post("/v1/staff", json={"name": "Eve", "role": "sales"}).json()["id"]
    path = f"/v1/portal/tasks/{open_task(desk)['id']}/assign"
    for staff_id in (person(desk, "Gone"), stranger, (1 << 63) - 1):
        answer = desk.client.post(path, json={"staff_id": staff_id})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "staff_id")
        assert answer.json()["errors"][0]["value"] == str(staff_id)
    assert open_task(desk)["staff_name"] == "Sam"


def test_a_completed_task_cannot_be_assigned(desk: Tenant) -> None:
    task = open_task(desk)
    desk.client.post(f"/v1/portal/tasks/{task['id']}/done")
    answer = desk.client.post(f"/v1/portal/tasks/{task['id']}/assign", json={"staff_id": None})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "task_id")
    assert "is done" in answer.json()["detail"]


@pytest.mark.parametrize("staff_id", [0, -1, 1 << 63, "1", 1.5, True, "nobody"])
def test_bad_assignees(desk: Tenant, staff_id: object) -> None:
    answer = desk.client.post(f"/v1/portal/tasks/{open_task(desk)['id']}/assign", json={"staff_id": staff_id})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "staff_id")


def test_an_unknown_task_is_404(tenant: Tenant) -> None:
    assert tenant.client.post("/v1/portal/tasks/4711/done").status_code == 404
    assert tenant.client.post("/v1/portal/tasks/4711/assign", json={"staff_id": None}).status_code == 404


def test_staff_with_their_open_tasks(desk: Tenant) -> None:
    people = {p["name"]: p for p in desk.client.get("/v1/portal/staff").json()["staff"]}
    assert [(p["customers"], p["open_tasks"]) for p in (people["Sam"], people["Max"])] == [(1, 1), (0, 0)]
    assert not people["Gone"]["is_active"]
    assert "email" not in people["Sam"]


@pytest.fixture
def pile(tenant: Tenant) -> Tenant:
    """20 open tasks (a third overdue, some with the same due time, some without one) and three completed ones."""
    tenant.rows(
        """
        with c as (insert into customers (company_id, external_id) values (%s, 'p-1') returning *), r as (
            insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, version,
                                                run_id, decided_at, state)
            select company_id, id, 'lead', now(), 1, 'r', now(), '{}' from c returning *)
        insert into tasks (company_id, relationship_id, kind, title, status, due_at)
        select company_id, r.id, 'call', 'T' || n, case when n < 20 then 'open' else 'done' end,
               case when n %% 5 > 0 then date_trunc('day', now()) + (n %% 4 - 1) * interval '3 days 00:00:00.123' end
          from r, generate_series(0, 22) n returning 1
        """,
        tenant.id,
    )
    return tenant


def pages(tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        found = tenant.client.get("/v1/portal/tasks", params={**query, **cursor, "limit": 3}).json()
        rows += found["tasks"]
        if found["next_cursor"] is None:
            return rows
        assert len(found["tasks"]) == 3
        cursor = {"cursor": found["next_cursor"]}


def test_pages_show_each_task_once_soonest_first(pile: Tenant) -> None:
    rows = pages(pile)
    assert (len(rows), len({row["id"] for row in rows})) == (20, 20)
    due = [row["due_at"] for row in rows]
    dated = [at for at in due if at is not None]
    assert dated == sorted(dated)
    assert due[len(dated) :] == [None] * 4
    now = datetime.now(UTC)
    late = [row["due_at"] is not None and datetime.fromisoformat(row["due_at"]) < now for row in rows]
    assert [row["overdue"] for row in rows] == late
    assert 0 < sum(late) < 20
    assert len(pages(pile, status="all")) == 23
    assert not any(row["overdue"] for row in pages(pile, status="done"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "late"),
        ("assigned_to", "me"),
        ("assigned_to", "0"),
        ("assigned_to", "9" * 19),
        ("customer_id", "a b"),
        ("kind", "A"),
        ("cursor", forged("actions", 5)),
        ("cursor", forged("tasks", "soon", 5)),
        ("cursor", forged("tasks", "2026-01-01", 5)),
        ("cursor", forged("tasks", "2026-W01-1T00:00+00:00", 0)),
        ("cursor", forged("tasks", "9999-12-31T23:59:59-12:00", 5)),
        ("cursor", forged("tasks", None, 5)),
        ("cursor", forged("tasks", "infinity", True)),
    ],
)
def test_bad_queries(tenant: Tenant, name: str, value: object) -> None:
    answer = tenant.client.get("/v1/portal/tasks", params={name: str(value)})
    assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".")[0]) == (422, name)


@pytest.mark.parametrize(
    "instant", ["2026-W01-1T00:00+00:00", "0001-01-01T12:00:00+00:00", "2026-01-01T00:00:00+00:00:01"]
)
def test_a_forged_cursor_is_only_a_position(tenant: Tenant, instant: str) -> None:
    assert tenant.client.get("/v1/portal/tasks", params={"cursor": forged("tasks", instant, 5)}).json()["tasks"] == []
    query = {"sort": "stage_entered_at", "cursor": forged("stage_entered_at", "desc", instant, 5)}
    assert tenant.client.get("/v1/portal/relationships", params=query).json()["relationships"] == []
