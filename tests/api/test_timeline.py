"""The paged timeline, notes, and the sort orders of the customer list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Tenant


def pages(tenant: Tenant, path: str, name: str, **params: Any) -> list[list[dict[str, Any]]]:
    found, cursor = [], None
    while True:
        answer = tenant.client.get(path, params=params | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[name])
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def lived(tenant: Tenant) -> None:
    day = "2026-01-{:02}T10:00:00Z"
    events = [{"occurred_at": day.format(n)} for n in range(1, 16)]
    events += [{"type": "appointment.completed", "amount": "400", "occurred_at": day.format(n)} for n in (16, 17, 18)]
    tenant.live("c-1", *events)
    tenant.client.post("/v1/customers/c-1/actions", json={"type": "call", "note": "soon"})
    tenant.settled("c-1")


def test_the_pages_of_a_timeline_are_complete(tenant: Tenant, working: None) -> None:
    lived(tenant)
    path = "/v1/portal/customers/c-1/timeline"
    (whole,) = pages(tenant, path, "timeline", limit=200)
    assert [row["at"] for row in whole] == sorted((row["at"] for row in whole), reverse=True)
    by_kind = {kind: [row for row in whole if row["kind"] == kind] for kind in ("transition", "event", "action")}
    journey = tenant.client.get("/v1/portal/customers/c-1/journey").json()
    for kind, rows in by_kind.items():
        shown = journey[kind + "s"]
        assert len(rows) == len(shown) > 0
        assert [row["id"] for row in rows] == [row["id"] for row in shown]
        assert set(shown[0]) <= set(rows[0])
        assert pages(tenant, path, "timeline", limit=200, kind=kind) == [rows]
    assert by_kind["action"][0]["detail"]["note"] == "soon"
    for limit in (1, 7):
        found = pages(tenant, path, "timeline", limit=limit)
        assert all(len(page) <= limit for page in found)
        assert [row for page in found for row in page] == whole
    both = pages(tenant, path, "timeline", limit=3, kind=["event", "transition"])
    assert [row for page in both for row in page] == [row for row in whole if row["kind"] != "action"]
    # at the same time: the event, then its transitions
    move = next(n for n, row in enumerate(whole) if row.get("trigger_event") == "appointment_completed")
    assert (whole[move]["at"], whole[move + 1]["kind"]) == (whole[move + 1]["at"], "event")


@pytest.mark.parametrize("query", ["cursor=x", "cursor=WzFd", "kind=mail", "limit=0", "limit=201"])
def test_422_names_the_invalid_field(tenant: Tenant, query: str) -> None:
    answer = tenant.client.get(f"/v1/portal/customers/c-1/timeline?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(query.partition("=")[0])


def test_404_without_a_journey(tenant: Tenant) -> None:
    assert tenant.client.get("/v1/portal/customers/c-1/timeline").status_code == 404
    assert tenant.client.put("/v1/customers/c-1/notes", json={"notes": "x"}).status_code == 404


def test_notes(tenant: Tenant, working: None) -> None:
    tenant.live("c-1", {})
    path = "/v1/customers/c-1/notes"

    def stored() -> Any:
        return tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]["notes"]

    assert stored() is None
    text = "<script>alert(1)</script> & more"
    answer = tenant.client.put(path, json={"notes": text, "previous": None})
    assert (answer.status_code, answer.json()) == (200, {"customer_id": "c-1", "notes": text})
    assert stored() == text
    conflict = tenant.client.put(path, json={"notes": "mine", "previous": None})
    assert (conflict.status_code, conflict.json()["notes"]) == (409, text)
    assert stored() == text
    tenant.live("c-1", {"duration_seconds": 200})  # a commit does not change the notes
    assert stored() == text
    assert tenant.client.put(path, json={"notes": "mine", "previous": text}).status_code == 200
    assert tenant.client.put(path, json={"notes": ""}).json()["notes"] is None
    assert stored() is None
    rows = tenant.rows("select actor, subject, details from audit_log where company_id = %s order by id", tenant.id)
    assert [row[2] for row in rows] == [{"characters": len(text)}, {"characters": 4}, {"characters": 0}]
    assert rows[0][0].startswith("key/")
    assert rows[0][1] == "customer/c-1"
    for wrong in ({"notes": "x" * 10_001}, {"notes": "\x00"}, {}, {"notes": 1}):
        assert tenant.client.put(path, json=wrong).status_code == 422


def test_the_list_is_sorted_and_counted(tenant: Tenant, working: None) -> None:
    for number, name in enumerate(("Zoé", "adam", "Ömer", None, "Bea"), 1):
        at = f"2026-01-{number:02}T10:00:00Z"
        tenant.live(f"c-{number}", {"type": "appointment.completed", "amount": "10", "occurred_at": at})
        if name:
            tenant.client.put(f"/v1/customers/c-{number}", json={"name": name, "phone": "+49 30 1234567"})
    path = "/v1/portal/relationships"

    def order(sort: str, direction: str, limit: int = 2) -> list[str]:
        found = pages(tenant, path, "relationships", sort=sort, order=direction, limit=limit)
        return [row["customer_id"] for page in found for row in page]

    by_name = order("name", "asc")
    assert by_name == ["c-2", "c-5", "c-1", "c-3", "c-4"]  # customers without a name come last
    assert order("name", "desc")[-1] == "c-4"
    assert order("days_inactive", "desc") == ["c-1", "c-2", "c-3", "c-4", "c-5"]
    assert order("days_inactive", "asc") == ["c-5", "c-4", "c-3", "c-2", "c-1"]
    assert order("created_at", "asc") == ["c-1", "c-2", "c-3", "c-4", "c-5"]
    first = tenant.client.get(path, params={"limit": 2, "count": True}).json()
    assert (first["total"], len(first["relationships"])) == (5, 2)
    assert "total" not in tenant.client.get(path).json()
    assert tenant.client.get(path, params={"count": True, "search": "bea"}).json()["total"] == 1
    assert tenant.client.get(path, params={"count": True, "stage": "vip"}).json()["total"] == 0
    journey = tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]
    assert (journey["name"], journey["phone"], journey["email"]) == ("Zoé", "+49 30 1234567", None)
