"""Tasks: their titles, moved, commented on, and reopened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Tenant
from tests.api.test_reading import forged

PROFILE = {"name": "Ada Example", "phone": "+49 30 1234567"}


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company with a salesperson and the lead c-1, for whom they have a follow-up task."""
    assert tenant.client.post("/v1/staff", json={"name": "Sam", "role": "sales"}).status_code == 201
    tenant.client.put("/v1/customers/c-1", json=PROFILE)
    tenant.live("c-1", {})
    tenant.settled("c-1")
    return tenant


def tasks(tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    answer = tenant.client.get("/v1/portal/tasks", params={"kind": "follow_up", **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["tasks"]
    return found


def follow_up(tenant: Tenant) -> dict[str, Any]:
    (task,) = tasks(tenant, status="all")
    return task


def test_a_title_names_the_customer_with_phone_number_and_reason(desk: Tenant) -> None:
    task = follow_up(desk)
    today = datetime.now(UTC)
    reason = f"lead since {today.day} {today:%B} {today.year}"
    assert (task["title"], task["reason"]) == (f"Follow up: Ada Example (+49 30 1234567) – {reason}", reason)
    assert task["customer_phone"] == "+49 30 1234567"
    stored = desk.rows("select title, reason from tasks where company_id = %s", desk.id)
    assert "Ada" not in str(stored)
    assert "1234567" not in str(stored)

    desk.client.put("/v1/customers/c-1", json={"name": "Ada Lovelace"})
    assert follow_up(desk)["title"] == f"Follow up: Ada Lovelace – {reason}"
    desk.client.put("/v1/customers/c-1", json={})
    assert follow_up(desk)["title"] == f"Follow up: c-1 – {reason}"


def test_titles_of_earlier_versions_name_the_customer_too(desk: Tenant) -> None:
    desk.rows(
        "update tasks set title = 'Check-in call to customer c-1: no recent visit', reason = null"
        " where company_id = %s returning id",
        desk.id,
    )
    assert follow_up(desk)["title"] == "Check-in call to Ada Example (+49 30 1234567): no recent visit"


def test_moving_a_task(desk: Tenant) -> None:
    task = follow_up(desk)
    due_at = (datetime.now(UTC) + timedelta(days=5)).replace(microsecond=0)
    answer = desk.client.patch(f"/v1/portal/tasks/{task['id']}", json={"due_at": due_at.isoformat()})
    assert answer.status_code == 200, answer.text
    moved = answer.json()["task"]
    assert datetime.fromisoformat(moved["due_at"]) == due_at
    assert moved == {**task, "due_at": moved["due_at"]}


@pytest.mark.parametrize(
    "due_at",
    ["2020-01-01T00:00:00Z", "2201-01-01T00:00:00Z", "2030-01-01T00:00:00", "soon", "2030-01-01", None],
)
def test_bad_due_times(desk: Tenant, due_at: object) -> None:
    task = follow_up(desk)
    answer = desk.client.patch(f"/v1/portal/tasks/{task['id']}", json={"due_at": due_at})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "due_at")
    assert follow_up(desk)["due_at"] == task["due_at"]


def test_commenting_on_a_task(desk: Tenant) -> None:
    path = f"/v1/portal/tasks/{follow_up(desk)['id']}/comments"
    key = {"Idempotency-Key": "click-1"}
    for text in ("No answer\nTry again at six", "No answer\nTry again at six"):
        assert desk.client.post(path, json={"text": text}, headers=key).status_code == 200
    desk.client.post(path, json={"text": "Comes on Friday"})
    first, second = follow_up(desk)["comments"]
    assert (first["text"], first["by"]) == ("No answer\nTry again at six", "test")
    assert second["text"] == "Comes on Friday"
    assert datetime.now(UTC) - datetime.fromisoformat(second["at"]) < timedelta(minutes=1)
    desk.client.post(f"/v1/portal/tasks/{follow_up(desk)['id']}/done")
    after = desk.client.post(path, json={"text": "Came"}).json()["task"]
    assert (after["status"], len(after["comments"])) == ("done", 3)


@pytest.mark.parametrize("text", ["", "  ", "x" * 1001, "a\x00", None])
def test_bad_comments(desk: Tenant, text: object) -> None:
    answer = desk.client.post(f"/v1/portal/tasks/{follow_up(desk)['id']}/comments", json={"text": text})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")


def test_reopening_a_completed_task(desk: Tenant) -> None:
    task = follow_up(desk)
    path = f"/v1/portal/tasks/{task['id']}"
    desk.client.post(f"{path}/done", json={"note": "by mistake"})
    moved = desk.client.patch(path, json={"due_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    assert (moved.status_code, moved.json()["errors"][0]["field"]) == (409, "task_id")
    for _ in range(2):  # twice is not an error
        answer = desk.client.post(f"{path}/reopen")
        assert answer.status_code == 200, answer.text
        assert answer.json()["task"] == {**task, "note": "by mistake"}
    assert [one["id"] for one in tasks(desk)] == [task["id"]]


def test_unknown_tasks_are_404(desk: Tenant, other: Tenant) -> None:
    mine = follow_up(desk)["id"]
    for tenant, task_id in ((desk, 4711_4711), (other, mine)):
        path = f"/v1/portal/tasks/{task_id}"
        due_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert tenant.client.post(f"{path}/reopen").status_code == 404
        assert tenant.client.patch(path, json={"due_at": due_at}).status_code == 404
        assert tenant.client.post(f"{path}/comments", json={"text": "?"}).status_code == 404


def test_changing_tasks_needs_the_scope(desk: Tenant) -> None:
    reader = desk.with_key(desk.new_key("journeys:read")[1])
    path = f"/v1/portal/tasks/{follow_up(desk)['id']}"
    due_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    answers = [
        reader.post(f"{path}/reopen"),
        reader.patch(path, json={"due_at": due_at}),
        reader.post(f"{path}/comments", json={"text": "?"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3


@pytest.fixture
def pile(tenant: Tenant) -> Tenant:
    """Seven completed tasks (two at the same time), three overdue and two later ones."""
    tenant.rows(
        """
        with c as (insert into customers (company_id, external_id) values (%s, 'p-1') returning *), r as (
            insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, version,
                                                run_id, decided_at, state)
            select company_id, id, 'lead', now(), 1, 'r', now(), '{}' from c returning *)
        insert into tasks (company_id, relationship_id, kind, title, status, due_at, done_at)
        select company_id, r.id, 'follow_up', 'T' || n, case when n < 7 then 'done' else 'open' end,
               now() + (n - 9.5) * interval '1 day', case when n < 7 then now() - (n / 2) * interval '1 hour' end
          from r, generate_series(0, 11) n returning 1
        """,
        tenant.id,
    )
    return tenant


def test_completed_tasks_by_time(pile: Tenant) -> None:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"status": "done", "sort": "done_at", "limit": "2", **cursor}
        found = pile.client.get("/v1/portal/tasks", params=query).json()
        rows += found["tasks"]
        if found["next_cursor"] is None:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert [row["title"] for row in rows] == ["T1", "T0", "T3", "T2", "T5", "T4", "T6"]
    done = [row["done_at"] for row in rows]
    assert done == sorted(done, reverse=True)
    for cursor_of_another in (forged("tasks", "infinity", 5), forged("tasks", "2026-01-01T00:00:00+00:00", 5)):
        query = {"sort": "done_at", "cursor": cursor_of_another}
        assert pile.client.get("/v1/portal/tasks", params=query).status_code == 422


def test_overdue_tasks(pile: Tenant) -> None:
    assert [row["title"] for row in tasks(pile, overdue=True)] == ["T7", "T8", "T9"]
    assert [row["title"] for row in tasks(pile, overdue=False)] == ["T10", "T11"]
    assert len(tasks(pile)) == 5
