"""The commands of maintenance against a real system: drift of every kind, evaluations joined, days written anew."""

import asyncio
import re
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from temporalio.client import Client

from contracts import names
from contracts.journey_client import journey_handle
from contracts.schedules import definitions
from local import services
from tests.cli.conftest import Shell
from tests.cli.test_commands import old_log, visit, write_log

TODAY = datetime.now(UTC).date()


def spoil(shell: Shell, statement: LiteralString, customer: str = "") -> None:
    """Corrupt a company's rows, with triggers and foreign keys disabled, once all its commits are rolled up."""
    until = time.monotonic() + 20
    while shell.rows("select 1 from journey_unrolled where company_id = %(company)s limit 1"):
        assert time.monotonic() < until
        time.sleep(0.1)
    with psycopg.connect(shell.url) as connection:
        connection.execute("set session_replication_role = replica")
        cursor = connection.execute(statement, {"company": shell.company, "customer": customer})
        assert cursor.rowcount > 0


OF_CUSTOMER: LiteralString = """ from customers u where u.id = r.customer_id and u.external_id = %(customer)s
 and r.company_id = %(company)s"""
DRIFT: dict[str, tuple[str, LiteralString]] = {
    "0": ("invalid stage", "update customer_relationships r set current_stage = 'nowhere'" + OF_CUSTOMER),
    "1": ("ledger", "update customer_relationships r set lifetime_value = 1" + OF_CUSTOMER),
    "2": ("ledger", "update customer_relationships r set total_appointments = 99" + OF_CUSTOMER),
    "3": ("state", "update customer_relationships r set version = version + 1" + OF_CUSTOMER),
    "4": (
        "drift",
        "update customer_relationships r set version = version + 1,"
        " state = jsonb_set(state, '{n}', to_jsonb(version + 1))" + OF_CUSTOMER,
    ),
    "5": (
        "ledger",
        """update journey_transitions t set to_stage = 'vip' from customer_relationships r, customers u
            where t.relationship_id = r.id and u.id = r.customer_id and u.external_id = %(customer)s
              and r.company_id = %(company)s and t.sequence = 2""",
    ),
}
GONE: dict[str, LiteralString] = {
    "no row": "delete from customer_relationships r using customers u where u.id = r.customer_id"
    " and u.external_id = %(customer)s and r.company_id = %(company)s",
    "orphan": "delete from customers where external_id = %(customer)s and company_id = %(company)s",
}


async def test_validate_finds_every_kind_of_drift(shell: Shell, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    log = write_log(tmp_path / "log.jsonl", [visit(n, n, now - timedelta(days=2)) for n in range(9)])
    company = ["--company", str(shell.company)]
    assert (await shell.json("import", log, *company))[0] == 0
    assert await shell.json("validate", *company, "--deep") == (0, {"journeys": 9, "kinds": {}, "problems": []})
    for customer, (_, statement) in DRIFT.items():
        spoil(shell, statement, customer)
    spoil(shell, GONE["no row"], "6")
    spoil(shell, GONE["orphan"], "7")
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    await journey_handle(client, shell.company, "8").terminate("by a test")
    code, report = await shell.json("validate", *company, "--deep")
    while "no workflow" not in report["kinds"]:  # visibility follows the termination
        code, report = await shell.json("validate", *company, "--deep")
    assert (code, report["journeys"]) == (1, 8)
    found = {(problem["customer_id"], problem["kind"]) for problem in report["problems"]}
    expected: set[tuple[str | None, str]] = {(customer, kind) for customer, (kind, _) in DRIFT.items()}
    # a deleted customer also leaves a workflow without a row
    expected |= {("6", "no row"), (None, "orphan"), ("7", "no row"), ("8", "no workflow")}
    assert expected <= found
    problems = " ".join(problem["problem"] for problem in report["problems"])
    for expected_text in (
        "invalid stage 'nowhere'; allowed: prospect",
        "lifetime_value is 1.00; the ledger says 400.00",
        "total_appointments is 99; the ledger says 1",
        "current_stage is customer; the last transition says vip",
        "a workflow in customer without a row",
        "has no customer",
        "its workflow is not running",
        "workflow: customer at version 1; row: customer at 2",
    ):
        assert expected_text in problems
    code, out, _ = await shell.run("validate", *company)
    assert code == 1
    assert re.search(r"problems in 8 journeys: .*ledger 4", out)


async def test_an_interrupted_evaluation_continues_and_can_be_followed_again(shell: Shell, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    log = write_log(tmp_path / "log.jsonl", [visit(n, n, now - timedelta(days=10)) for n in range(6)])
    company = ["--company", str(shell.company)]
    await shell.run("import", log, *company)
    assert (await shell.run("update-risk-scores", *company))[:2] == (
        0,
        "6 journeys evaluated, nothing to change.\n",
    )
    with psycopg.connect(shell.url) as connection:
        connection.execute(
            "update companies set rules_version = 2, rules_changed_at = now(),"
            """ settings = '{"scoring": {"recency_days": [5, 60, 90, 180]}}' where id = %s""",
            [shell.company],
        )
    words = [services.JOURNEY, "queue-updates", "--rate", "0.4", *company]
    process = subprocess.Popen(
        words,
        env=shell.environment,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background jobs with SIGINT ignored, and every child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    moved = "select count(*) from customer_relationships where company_id = %(company)s and version > 1"
    while shell.rows(moved)[0][0] < 2:
        assert process.poll() is None
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 130
    assert f"Still running as workflow evaluate-all/{shell.company}." in err
    code, report = await shell.json("queue-updates", *company)  # the one that runs, at its own rate
    assert (code, report["evaluated"], report["drifted"], report["unanswered"]) == (1, 6, 6, 0)
    assert {change["customer_id"] for change in report["drift"]} == {str(n) for n in range(6)}
    assert shell.rows(moved)[0][0] == 6
    code, report = await shell.json("queue-updates", *company)
    assert (code, report["drifted"]) == (0, 0)


async def test_metrics_are_recalculated(shell: Shell, tmp_path: Path) -> None:
    company = ["--company", str(shell.company)]
    await shell.run("import", old_log(tmp_path / "log.jsonl"), *company, "--shift-to-now")
    words = ["metrics", "rebuild", "--from", str(TODAY - timedelta(days=40)), *company]
    code, [report] = await shell.json(*words)
    assert (code, report["company_id"], report["to"]) == (0, shell.company, str(TODAY - timedelta(days=1)))
    metrics = "select count(*), sum(customer_count) from journey_stage_metrics where company_id = %(company)s"
    [(count, customers)] = shell.rows(metrics)
    assert (count, report["rows"]) == (40 * 7, 40 * 7)
    spoil(shell, "update journey_stage_metrics set customer_count = 7 where company_id = %(company)s")
    assert (await shell.run(*words))[0] == 0
    assert shell.rows(metrics) == [(count, customers)]
    wrong = "insert into journey_rollups values (%(company)s, 'revenue', 'day', '2026-01-01', '{vip}', 1, 5)"
    spoil(shell, wrong)
    code, found = await shell.json("validate", *company)
    assert (code, found["kinds"]) == (1, {"figures": 2})
    assert "revenue vip of 2026-01-01: surplus 1, 5" in {problem["problem"] for problem in found["problems"]}
    assert (await shell.run(*words, "--rollups"))[0] == 0
    assert (await shell.json("validate", *company))[1]["kinds"] == {}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["metrics", "rebuild", "--from", "yesterday"], "--from 'yesterday'"),
        (["metrics", "rebuild", "--from", "2026-01-01", "--to", str(TODAY)], f"at most {TODAY - timedelta(days=1)}"),
        (["metrics", "rebuild", "--from", "2026-02-01", "--to", "2026-01-01"], "between 1900-01-01 and 2026-01-01"),
        (["metrics", "rebuild", "--from", "1066-10-14"], "between 1900-01-01 and"),
        (["metrics", "rebuild", "--from", "2026-01-01", "--company", "999999"], "no company 999999"),
        (["metrics", "rebuild"], "--from"),
        (["queue-updates", "--company", "999999"], "no company 999999"),
        (["update-risk-scores", "--rate", "0"], "--rate"),
        (["validate", "--company", "999999"], "no company 999999"),
        (["optimize-queries", "--company", "999999"], "no company 999999"),
    ],
)
async def test_wrong_use_is_exit_code_2_with_a_reason(shell: Shell, words: list[str], reason: str) -> None:
    code, _, err = await shell.run(*words)
    assert code == 2
    assert reason in err
    assert "Traceback" not in err


async def test_every_essential_query_is_shown(shell: Shell) -> None:
    code, report = await shell.json("optimize-queries", "--company", str(shell.company))
    assert code == 0
    assert report["company_id"] == shell.company
    assert {"journey with its timeline", "overdue deadlines", "commit"} <= {q["query"] for q in report["queries"]}
    code, out, _ = await shell.run("optimize-queries", "--analyze", "--company", str(shell.company))
    assert code == 0
    assert "no sequential scans on large tables" in out


async def test_migrate_creates_the_schedules_if_temporal_is_reachable(shell: Shell) -> None:
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    await client.get_schedule_handle(names.RETURN_MODELS_SCHEDULE).delete()
    code, out, _ = await shell.run("migrate")
    assert code == 0
    assert "stage-metrics unchanged, reconciliation unchanged, return-models created" in out
    listed = [schedule.id async for schedule in await client.list_schedules()]
    assert set(listed) >= set(definitions()) - {names.RETURN_MODELS_SCHEDULE}
    nowhere = replace(shell, environment={**shell.environment, "TEMPORAL_ADDRESS": "127.0.0.1:1"})
    code, out, err = await nowhere.run("migrate")
    assert code == 0, err
    assert "up to date" in out
    assert "Temporal is not reachable" in out
    assert "a worker creates them" in out
