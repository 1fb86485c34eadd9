"""`validate` names whatever is deleted from ledger and transitions, and `rebuild` makes journeys anew from the rest."""

import asyncio
from collections.abc import Set
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import pytest
from temporalio.client import Client

from contracts.journey_client import journey_handle
from tests.cli.conftest import Shell
from tests.cli.test_commands import write_log
from tests.cli.test_maintenance_commands import spoil

NOW = datetime.now(UTC)


def event(customer: str, kind: str, days: float, **fields: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days)).isoformat()
    return {"id": f"{customer}-{kind}-{days}", "type": kind, "customer_id": customer, "occurred_at": at, **fields}


EVENTS_OF: LiteralString = """delete from journey_events e using customers u
 where u.id = e.customer_id and u.external_id = %(customer)s and e.company_id = %(company)s"""
MOVES_OF: LiteralString = """delete from journey_transitions t using customer_relationships r, customers u
 where t.relationship_id = r.id and u.id = r.customer_id and u.external_id = %(customer)s
   and r.company_id = %(company)s"""
ROW_OF: LiteralString = """delete from customer_relationships r using customers u
 where u.id = r.customer_id and u.external_id = %(customer)s and r.company_id = %(company)s"""

#: What is deleted of the journey of each customer, and what `validate` then says.
DELETED: dict[str, tuple[LiteralString, str]] = {
    "call": (EVENTS_OF + " and e.type = 'call.received'", "calls of its state: 1; the ledger says 0"),
    "request": (EVENTS_OF + " and e.type = 'appointment.requested'", "requests of its state: 1; the ledger says 0"),
    "visit": (
        EVENTS_OF + " and e.event_id = 'visit-appointment.completed-2'",
        "lifetime_value is 800.00; the ledger says 400.00",
    ),
    "ticket": (EVENTS_OF + " and e.type = 'support_ticket.opened'", "open tickets of its state: 1; the ledger says 0"),
    "rating": (EVENTS_OF + " and e.type = 'feedback.received'", "sum of ratings of its state: 5; the ledger says 0"),
    "cause": (
        EVENTS_OF + " and e.type = 'appointment.completed'",
        "was caused by the event 'cause-appointment.completed-3', which the ledger does not have",
    ),
    "last": (MOVES_OF + " and t.sequence = 2", "transitions are missing: 2 of 2"),
    "gap": (MOVES_OF + " and t.sequence = 2", "transitions are missing: 2 of 3"),
}


async def becomes_valid(shell: Shell, *words: str, but: Set[str] = frozenset()) -> None:
    """Wait until `validate` names only these customers: Temporal lists a new workflow a moment later."""
    report: Any = None
    for _ in range(20):
        code, report = await shell.json("validate", *words)
        assert code == bool(report["problems"])
        if {problem["customer_id"] for problem in report["problems"]} == but:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(report)


def lives() -> list[dict[str, Any]]:
    later = {
        "request": [event("request", "appointment.requested", 2)],
        "visit": [event("visit", "appointment.completed", 2, amount="400.00")],
        "ticket": [event("ticket", "support_ticket.opened", 2, ticket_id="t-1")],
        "rating": [event("rating", "feedback.received", 2, rating=5)],
        "call": [event("call", "call.received", 2, duration_seconds=5)],
        "gap": [event("gap", "appointment.completed", 0.5, amount="700.00")],
    }
    first = [event(customer, "appointment.completed", 3, amount="400.00") for customer in [*DELETED, "row"]]
    return first + [listed for events in later.values() for listed in events]


async def test_whatever_is_deleted_is_named_and_rebuilt(shell: Shell, tmp_path: Path) -> None:
    company = ["--company", str(shell.company)]
    log = write_log(tmp_path / "log.jsonl", lives())
    assert (await shell.json("import", log, *company))[0] == 0
    await becomes_valid(shell, *company)
    assert await shell.json("rebuild", *company) == (0, {"rebuilt": []})
    stages = (
        "select to_stage from journey_transitions where company_id = %(company)s order by relationship_id, sequence"
    )
    before = shell.rows(stages)
    for customer, (statement, _) in DELETED.items():
        spoil(shell, statement, customer)
    code, report = await shell.json("validate", *company)
    assert code == 1
    problems = {(problem["customer_id"], problem["kind"]): problem["problem"] for problem in report["problems"]}
    listed = [(problem["customer_id"], problem["problem"]) for problem in report["problems"]]
    for customer, (_, expected) in DELETED.items():
        assert any(named == customer and expected in text for named, text in listed), (customer, listed)
    assert {kind for _, kind in problems} == {"ledger", "figures"}
    code, report = await shell.json("rebuild", *company)
    assert {journey["customer_id"] for journey in report["rebuilt"]} == set(DELETED)
    assert all(journey["done"] for journey in report["rebuilt"])
    left = {journey["customer_id"]: journey["remaining"] for journey in report["rebuilt"] if journey["remaining"]}
    assert set(left) == {"cause"}, "its event is lost; the transition stays"
    assert code == 1
    assert shell.rows(stages) == before, "transitions on record stay, missing ones are added"
    value = """select u.external_id, r.lifetime_value from customer_relationships r join customers u
                 on u.id = r.customer_id where r.company_id = %(company)s and u.external_id in ('visit', 'gap')"""
    assert {name: str(amount) for name, amount in shell.rows(value)} == {"visit": "400.00", "gap": "1100.00"}
    await becomes_valid(shell, *company, "--deep", but={"cause"})


async def test_one_journey_of_which_only_the_ledger_is_left(shell: Shell, tmp_path: Path) -> None:
    company = ["--company", str(shell.company)]
    log = write_log(
        tmp_path / "log.jsonl", [event("row", "appointment.completed", 100 - n, amount="400.00") for n in range(3)]
    )
    assert (await shell.json("import", log, *company))[0] == 0
    stages = (
        "select to_stage, transitioned_at from journey_transitions where company_id = %(company)s order by sequence"
    )
    before = shell.rows(stages)
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    await journey_handle(client, shell.company, "row").terminate("by a test")
    spoil(shell, MOVES_OF, "row")
    spoil(shell, ROW_OF, "row")
    code, report = await shell.json("validate", *company)
    problem = {"company_id": shell.company, "customer_id": "row", "kind": "no row"}
    assert {**problem, "problem": "events in the ledger without a journey"} in report["problems"]
    code, report = await shell.json("rebuild", *company, "--customer", "row")
    assert (code, [journey["done"] for journey in report["rebuilt"]]) == (0, [True])
    assert shell.rows(stages) == before
    await becomes_valid(shell, *company, "--deep")


async def test_retractions_are_imported_made_and_rebuilt(shell: Shell, tmp_path: Path) -> None:
    """Imported before their event, and made by the command; what is lost is then made anew without the events."""
    company = ["--company", str(shell.company)]
    mistake = event("back", "appointment.completed", 3, amount="2000.00")
    log = [
        event("back", "event.retracted", 2, retracts=mistake["id"]),
        event("back", "appointment.completed", 9, amount="100.00"),
        mistake,
        event("back", "appointment.completed", 1, amount="1500.00"),
    ]
    assert (await shell.json("import", write_log(tmp_path / "log.jsonl", log), *company))[0] == 0
    await becomes_valid(shell, *company)
    row = """select r.current_stage, r.total_appointments, r.lifetime_value::int from customer_relationships r
               join customers u on u.id = r.customer_id where r.company_id = %(company)s and u.external_id = 'back'"""
    assert shell.rows(row) == [("vip", 2, 1600)]
    last = log[-1]["id"]
    code, found = await shell.json("events", "retract", last, *company, "--preview")
    assert (code, found["before"]["stage"], found["after"]["stage"]) == (0, "vip", "customer")
    assert shell.rows(row) == [("vip", 2, 1600)]
    code, out, _ = await shell.run("events", "retract", last, *company, "--reason", "typed twice")
    assert (code, "stage: vip → customer" in out, "Retracted." in out) == (0, True, True)
    assert shell.rows(row) == [("customer", 1, 100)]
    code, _, err = await shell.run("events", "retract", last, *company)
    assert (code, "was retracted by" in err) == (1, True)
    code, _, err = await shell.run("events", "retract", "nothing", *company)
    assert (code, "has no applied event nothing" in err) == (1, True)
    await becomes_valid(shell, *company, "--deep")

    spoil(shell, MOVES_OF + " and t.trigger_event = 'event_retracted'", "back")
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    await journey_handle(client, shell.company, "back").terminate("by a test")
    spoil(shell, ROW_OF, "back")
    assert (await shell.json("rebuild", *company))[0] == 0
    assert shell.rows(row) == [("customer", 1, 100)]
    await becomes_valid(shell, *company, "--deep")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["rebuild", "--customer", "1"], "--customer requires --company"),
        (["rebuild", "--company", "999999"], "no company 999999"),
    ],
)
async def test_wrong_use(shell: Shell, words: list[str], reason: str) -> None:
    code, _, err = await shell.run(*words)
    assert code == 2
    assert reason in err


async def test_a_customer_of_whom_nothing_is_known(shell: Shell) -> None:
    code, _, err = await shell.run("rebuild", "--company", str(shell.company), "--customer", "nobody")
    assert code == 2
    assert "neither a journey nor events of customer 'nobody'" in err
