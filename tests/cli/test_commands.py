"""Commands against a real system: import (repeated, killed, with bad lines), evaluate, validate, health, keys, merge.

Over 300 lines, because all tests write their logs with the helpers of this file.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.events import import_log
from contracts.journey_client import journey_handle, send_events
from journey.stages import DEFAULT_ACTIONS
from local import services
from settings import Settings
from tests.cli.conftest import Shell
from tests.support.bad_events import BAD_EVENTS


def visit(number: int, customer: int, at: datetime, amount: str = "400.00") -> dict[str, Any]:
    when = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    fields = {"id": f"v{number}", "type": "appointment.completed", "customer_id": customer}
    return {**fields, "occurred_at": when, "amount": amount}


def write_log(path: Path, lines: list[Any]) -> str:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return str(path)


def old_log(path: Path, customers: int = 30) -> str:
    """Three visits of each customer, over the year 2019; a third of the customers stays away at the end."""
    begin = datetime(2019, 1, 7, 9, tzinfo=UTC)
    lines = [
        visit(10 * c + n, c, begin + timedelta(days=c + 150 * n, minutes=c))
        for c in range(customers)
        for n in range(1 + c % 3)
    ]
    return write_log(path, lines)


def rejected(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{log}.rejected.jsonl").read_text().splitlines()]


def distribution(shell: Shell) -> dict[str, int]:
    found = shell.rows(
        "select current_stage, count(*) from customer_relationships where company_id = %(company)s group by 1"
    )
    return dict(found)


async def test_import_gives_the_stages_of_simulate_and_is_repeatable(shell: Shell, tmp_path: Path) -> None:
    log = old_log(tmp_path / "log.jsonl")
    command = ["import", log, "--company", str(shell.company), "--shift-to-now"]
    code, summary = await shell.json(*command)
    assert (code, summary["imported"], summary["rejected"]) == (0, 60, 0)
    _, simulated = await shell.json("simulate", log)
    assert distribution(shell) == {stage: n for stage, n in simulated["stages"].items() if n}
    last = shell.rows("select max(occurred_at) from journey_events where company_id = %(company)s")[0][0]
    assert timedelta(0) <= datetime.now(UTC) - last < timedelta(minutes=2)
    before = shell.counts()
    code, summary = await shell.json(*command)
    assert (code, summary["imported"], summary["known"]) == (0, 0, 60)
    assert shell.counts() == before


async def test_a_killed_import_can_be_resumed(shell: Shell, tmp_path: Path) -> None:
    log = old_log(tmp_path / "log.jsonl", customers=150)
    words = [services.JOURNEY, "import", log, "--company", str(shell.company), "--shift-to-now"]
    process = subprocess.Popen(words, env=shell.environment)
    while shell.counts()[1] < 20:
        assert process.poll() is None, "the import was over before it could be killed"
        await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    code, summary = await shell.json(*words[1:])
    assert code == 0
    assert summary["imported"] < summary["events"] == 300
    assert shell.counts()[:2] == [150, 150]
    assert shell.counts()[3:] == [300, 1]
    _, simulated = await shell.json("simulate", log)
    assert distribution(shell) == {stage: n for stage, n in simulated["stages"].items() if n}


async def test_an_import_runs_actions_only_on_request(shell: Shell, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    # five years of one customer, a visit of just now, and one who is long gone
    lines = [visit(n, 1, now - timedelta(days=30 * n, minutes=1), "30.00") for n in range(60)]
    log = write_log(tmp_path / "log.jsonl", [*lines, visit(100, 2, now - timedelta(days=95))])
    actions = "select action, status from journey_actions where company_id = %(company)s order by id"
    command = ["import", log, "--company", str(shell.company)]
    assert (await shell.json(*command))[0] == 0
    assert distribution(shell) == {"vip": 1, "at_risk": 1}
    assert shell.rows(actions) == []
    for _ in range(2):
        assert (await shell.json(*command, "--actions", "current"))[0] == 0
        found = dict(shell.rows(actions))
        while "campaign_email" not in found or "pending" in map(found.get, NOW):
            await asyncio.sleep(0.1)
            found = dict(shell.rows(actions))
        # mails wait for the profiles
        assert {found[action] for action in NOW} <= {"succeeded", "suppressed", "waiting"}
        assert len(shell.rows(actions)) == len(NOW) + 1 + 4, "the next review, and the steps of the campaign"


NOW = [*DEFAULT_ACTIONS["vip"], *DEFAULT_ACTIONS["at_risk"]]


async def test_bad_lines_are_reported_and_the_rest_is_imported(shell: Shell, tmp_path: Path) -> None:
    trimmed = ("customer has a line break at its end", "amount has blanks")  # which is fine in a file
    lines = [raw for name, raw, _ in BAD_EVENTS if b"\n" not in raw and raw.strip() and name not in trimmed]
    good = visit(1, 1, datetime(2026, 1, 5, tzinfo=UTC))
    log = write_log(tmp_path / "log.jsonl", [*lines, good, {**good, "amount": "5.00"}, good])
    code, summary = await shell.json("import", log, "--company", str(shell.company))
    rejects = rejected(log)
    assert (code, summary["imported"], summary["duplicates"], summary["conflicts"]) == (1, 1, 1, 1)
    assert {reject["line"] for reject in rejects} == {*range(1, len(lines) + 1), len(lines) + 2}
    assert all("field" in error and error["problem"] for reject in rejects for error in reject["errors"])
    assert shell.counts()[3] == 1


async def test_every_physical_line_is_counted_and_an_open_quote_costs_one(shell: Shell, tmp_path: Path) -> None:
    rows = ["id,type,customer_id,occurred_at,rating,comment"]
    rows += [f"{n},feedback.received,{n},2026-01-05T00:00:00Z,4,good" for n in range(1, 6)]
    rows[2] = '2,feedback.received,2,2026-01-05T00:00:00Z,4,"nice haircut'
    rows += [
        "",
        ",,,,,",
        "6,feedback.received,nan,2026-01-05T00:00:00Z,9,",
        '7,feedback.received,7,2026-01-05T00:00:00Z,4,"a',
    ]
    rows += ['b"', "1,feedback.received,1,2026-01-05T00:00:00Z,5,other"]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(rows) + "\n")
    code, summary = await shell.json("import", str(log), "--company", str(shell.company))
    assert (code, summary["imported"]) == (1, 5)
    assert summary["lines"] == {"header": 1, "ignored": 2, "imported": 6, "rejected": 3}
    rejects = rejected(str(log))
    assert [reject["line"] for reject in rejects] == [3, 9, 12]
    assert rejects[0]["raw"] == rows[2]
    assert "not closed" in rejects[0]["errors"][0]["problem"]
    assert {error["field"] for error in rejects[1]["errors"]} == {"customer_id", "rating"}


async def test_large_events_of_one_customer_are_split_by_size(shell: Shell, tmp_path: Path) -> None:
    """90 comments of 4,000 characters, two bytes each: more than Temporal takes in one signal."""
    begin = datetime(2026, 1, 5, 9, tzinfo=UTC)
    lines: list[Any] = [
        {"id": f"f{n}", "type": "feedback.received", "customer_id": "1", "rating": 4, "comment": "Ü" * 4000,
         "occurred_at": (begin + timedelta(minutes=n)).isoformat()}
        for n in range(90)
    ]  # fmt: skip
    log = write_log(tmp_path / "log.jsonl", [*lines, visit(1, 2, begin)])
    code, summary = await shell.json("import", log, "--company", str(shell.company))
    assert (code, summary["imported"], summary["unsent"]) == (0, 91, [])
    code, summary = await shell.json("import", log, "--company", str(shell.company))
    assert (code, summary["imported"], summary["known"]) == (0, 0, 91)


async def test_a_customer_that_cannot_be_sent_is_reported_and_the_rest_is_imported(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    async def send(client: Client, company_id: int, customer_id: str, *args: Any, **kwargs: Any) -> None:
        calls.append(customer_id)
        if customer_id == "2":
            raise RPCError("grpc: received message larger than max (5 vs. 4)", RPCStatusCode.RESOURCE_EXHAUSTED, b"")
        await send_events(client, company_id, customer_id, *args, **kwargs)

    monkeypatch.setattr("cli.events.sending.send_events", send)
    begin = datetime(2026, 1, 5, 9, tzinfo=UTC)
    log = write_log(tmp_path / "log.jsonl", [visit(n, n, begin) for n in range(1, 4)])
    monkeypatch.setenv("TEMPORAL_ADDRESS", shell.environment["TEMPORAL_ADDRESS"])
    settings = Settings(database_url=shell.url)
    assert await import_log.import_log(settings, log, shell.company, shift_to_now=False, act=False, as_json=False) == 1
    assert sorted(calls) == ["1", "2", "3"], "what is too large is not sent again"
    assert shell.counts()[3] == 2


async def test_a_long_history_is_processed_in_order(shell: Shell, tmp_path: Path) -> None:
    """More events than one message takes, with a gap between the messages that must not churn the customer."""
    begin = datetime(2020, 1, 6, 9, tzinfo=UTC)
    lines = [visit(n, 7, begin + timedelta(days=n // 3 + (30 if n >= 1000 else 0)), "1.00") for n in range(2400)]
    log = write_log(tmp_path / "log.jsonl", lines)
    code, summary = await shell.json("import", log, "--company", str(shell.company))
    assert (code, summary["imported"]) == (0, 2400)
    moves = shell.rows("select to_stage from journey_transitions where company_id = %(company)s order by sequence")
    assert [move[0] for move in moves] == ["prospect", "customer", "regular", "vip", "at_risk", "churned"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["import", "nowhere.jsonl", "--company", "1"], "nowhere.jsonl"),
        (["import", "nowhere.jsonl", "--company", "0"], "--company"),
        (["evaluate-transitions", "--customer", "5"], "--company"),
        (["evaluate-transitions", "--company", "999999"], "999999"),
        (["keys", "create", "--company", "999999", "--scopes", "admin"], "999999"),
        (["keys", "create", "--company", "1", "--scopes", "everything"], "everything"),
        (["companies", "add", " "], "name"),
        (["simulate", "nowhere.jsonl"], "nowhere.jsonl"),
        (["queue-updates", "--chunk", "0"], "--chunk"),
        (["no-such-command"], "no-such-command"),
    ],
)
async def test_wrong_use_is_exit_code_2_with_a_reason(shell: Shell, words: list[str], reason: str) -> None:
    code, _, err = await shell.run(*words)
    assert code == 2
    assert reason in err
    assert "Traceback" not in err


async def test_import_for_an_unknown_company_sends_nothing(shell: Shell, tmp_path: Path) -> None:
    log = old_log(tmp_path / "log.jsonl", customers=1)
    code, _, err = await shell.run("import", log, "--company", "999999")
    assert code == 2
    assert "999999" in err


async def test_evaluate_and_the_maintenance_commands(shell: Shell, tmp_path: Path) -> None:
    at = datetime.now(UTC) - timedelta(days=10)
    log = write_log(tmp_path / "log.jsonl", [visit(1, 1, at)])
    company = ["--company", str(shell.company)]
    await shell.run("import", log, *company)
    for command in ("evaluate-transitions", "queue-updates", "update-risk-scores"):
        code, report = await shell.json(command, *company)
        changed = report["changed" if command == "evaluate-transitions" else "drift"]
        assert (code, report["evaluated"], changed) == (0, 1, [])
    # what a company's change of rules leaves behind until its journeys have looked
    with psycopg.connect(shell.url) as connection:
        connection.execute(
            "update companies set rules_version = 2, rules_changed_at = now(),"
            """ settings = '{"scoring": {"recency_days": [5, 60, 90, 180]}}' where id = %s""",
            [shell.company],
        )
    code, report = await shell.json("queue-updates", *company, "--chunk", "1")
    assert code == 1
    assert [(d["customer_id"], d["done"]) for d in report["drift"]] == [("1", True)]
    code, report = await shell.json("queue-updates", *company)
    assert (code, report["drift"]) == (0, [])


async def test_validate_finds_drift(shell: Shell, tmp_path: Path) -> None:
    log = old_log(tmp_path / "log.jsonl", customers=3)
    company = ["--company", str(shell.company)]
    await shell.run("import", log, *company)
    for options in ([], ["--deep"]):
        code, report = await shell.json("validate", *company, *options)
        assert (code, report) == (0, {"journeys": 3, "kinds": {}, "problems": []})
    with psycopg.connect(shell.url) as connection:
        connection.execute(
            "update customer_relationships r set current_stage = 'nowhere' from customers u"
            " where u.id = r.customer_id and u.external_id = '1' and r.company_id = %s",
            [shell.company],
        )
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    await journey_handle(client, shell.company, "2").terminate("by a test")
    code, report = await shell.json("validate", *company)
    while len({problem["customer_id"] for problem in report["problems"]}) < 2:  # visibility follows the termination
        await asyncio.sleep(0.2)
        code, report = await shell.json("validate", *company)
    problems = {(p["customer_id"], p["problem"].split(" ")[0]) for p in report["problems"]}
    assert code == 1
    assert {("1", "invalid"), ("1", "columns"), ("1", "workflow:"), ("2", "its")} <= problems


async def test_health_check(shell: Shell) -> None:
    code, services = await shell.json("health-check")
    assert code == 0
    assert {service["part"]: service["state"] for service in services} == dict.fromkeys(
        ["postgres", "schema", "temporal", "worker"], "up"
    )
    nowhere = replace(shell, environment={**shell.environment, "TEMPORAL_ADDRESS": "127.0.0.1:1"})
    code, services = await nowhere.json("health-check")
    assert code == 1
    assert {service["part"] for service in services if service["state"] == "down"} == {"temporal", "worker"}
    no_database = {**shell.environment, "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/perdure"}
    code, services = await replace(shell, environment=no_database).json("health-check")
    assert code == 1
    assert {service["part"] for service in services if service["state"] == "down"} == {"postgres", "schema"}


async def test_a_key_is_shown_once_and_can_be_revoked(shell: Shell) -> None:
    code, made = await shell.json(
        "keys", "create", "--company", str(shell.company), "--scopes", "events:write,journeys:read", "--name", "booking"
    )
    assert code == 0
    code, listed = await shell.json("keys", "list", "--company", str(shell.company))
    assert [(key["id"], key["name"], key["revoked_at"]) for key in listed] == [(made["id"], "booking", None)]
    assert made["key"] not in json.dumps(listed)
    assert (await shell.run("keys", "revoke", str(made["id"])))[0] == 0
    assert (await shell.run("keys", "revoke", str(made["id"])))[0] == 1


def test_the_command_is_the_one_of_this_environment() -> None:
    assert Path(services.JOURNEY).parent == Path(sys.executable).parent


async def test_merge_two_customers_and_import_by_the_old_id(shell: Shell, tmp_path: Path) -> None:
    begin = datetime(2024, 1, 7, 9, tzinfo=UTC)
    lines = [visit(n, 1 + n % 2, begin + timedelta(days=n)) for n in range(4)]
    company = str(shell.company)
    await shell.json("import", write_log(tmp_path / "log.jsonl", lines), "--company", company)
    merge = ["customers", "merge", "2", "--into", "1", "--company", company]
    code, plan = await shell.json(*merge, "--preview")
    assert (code, plan["events"], plan["stages"]["into"]) == (0, 2, "churned")
    before = shell.counts()
    code, out, err = await shell.run(*merge, stdin=b"n\n")
    assert (code, shell.counts()) == (1, before)
    assert "A merge cannot be undone. Merge 2 into 1?" in err
    code, out, err = await shell.run(*merge, stdin=b"y\n")
    assert code == 0, err
    assert "Customer 2 was merged into 1." in out
    code, out, err = await shell.run(*merge, "--yes")
    assert code == 1
    assert "has been merged into customer 1 already" in err
    code, _, err = await shell.run(*merge[:2], "not an id", *merge[3:])
    assert code == 2

    code, shown = await shell.json("customers", "show", "2", "--company", company)
    assert (code, shown["customer_id"], shown["current_stage"]) == (0, "1", "churned")
    show = ["customers", "show", "1", "--company", company, "--as-of"]
    code, then = await shell.json(*show, "2024-01-08T12:00:00Z")
    assert (code, then["current_stage"], then["rules_version"]) == (0, "customer", 1)
    code, out, _ = await shell.run(*show, "2024-01-08T12:00:00Z")
    assert (code, "Customer 1 on 2024-01-08 12:00 UTC: Customer" in out) == (0, True)
    assert (await shell.run(*show, "2023-01-01T00:00:00Z"))[0] == 1
    code, _, err = await shell.run(*show, "2024-01-08")
    assert (code, "--as-of '2024-01-08' is not a time with an offset" in err) == (2, True)
    assert (await shell.run("customers", "show", "nobody", "--company", company))[0] == 1

    more = write_log(tmp_path / "more.jsonl", [visit(8, 2, begin + timedelta(days=8)), *lines])
    code, summary = await shell.json("import", more, "--company", company)
    assert (code, summary["imported"], summary["known"]) == (0, 1, 4)
    rows = shell.rows("select total_appointments from customer_relationships where company_id = %(company)s")
    assert rows == [(5,)]
    code, _, _ = await shell.run("evaluate-transitions", "--customer", "2", "--company", company)
    assert code == 0
    code, out, _ = await shell.run("validate", "--deep", "--company", company)
    assert code == 0, out
