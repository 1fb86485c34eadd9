"""Outreach and staff commands: actions, tasks, staff, webhooks, outreach, templates."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client

from contracts.journey_client import send_events
from tests.cli.conftest import Shell


@pytest_asyncio.fixture
async def lead(shell: Shell) -> Shell:
    """A company with a salesperson and the lead c-1, who refused e-mails; all due actions have run."""
    code, _ = await shell.json("staff", "add", "Sam Example", "--role", "sales", *company(shell))
    assert code == 0
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    call = {"id": "e-1", "type": "call.received", "customer_id": "c-1", "occurred_at": at, "duration_seconds": 90}
    shell.rows(
        "insert into customers (company_id, external_id, consent) values (%(company)s, 'c-1', '{\"email\": false}')"
        " returning 1"
    )
    await send_events(client, shell.company, "c-1", [call])
    await settled(shell, 3)
    return shell


def company(shell: Shell) -> list[str]:
    return ["--company", str(shell.company)]


async def settled(shell: Shell, count: int) -> list[dict[str, Any]]:
    """The actions, once there are `count` of them and none is pending."""
    until = time.monotonic() + 30
    while True:
        code, found = await shell.json("actions", "list", *company(shell))
        assert code == 0
        actions: list[dict[str, Any]] = found["actions"]
        if len(actions) >= count and not any(action["status"] == "pending" for action in actions):
            return actions
        assert time.monotonic() < until, found


async def test_actions_are_listed_and_retried(lead: Shell) -> None:
    (mail,) = [a for a in await settled(lead, 3) if a["action"] == "send_welcome_email"]
    assert (mail["status"], mail["reason"]) == ("suppressed", "no consent to e-mail")
    code, out, _ = await lead.run("actions", "list", "--status", "suppressed", *company(lead))
    assert (code, "send_welcome_email" in out, "create_follow_up_task" in out) == (0, True, False)
    assert "2 succeeded, 1 suppressed" in out
    _, out, _ = await lead.run("actions", "list", "--action", "create_follow_up_task", *company(lead))
    assert "open" in out
    lead.rows(
        "update customers set email = 'ada@example.com', consent = '{\"email\": true}'"
        " where company_id = %(company)s returning 1"
    )
    code, _, _ = await lead.run(
        "outreach", "set", "-", *company(lead), stdin=b'{"quiet_from": "00:00", "quiet_to": "00:00"}'
    )
    assert code == 0
    code, answer = await lead.json("actions", "retry", str(mail["id"]), *company(lead))
    assert (code, answer) == (0, {"retried": 1, "refused": []})
    (mail,) = [a for a in await settled(lead, 3) if a["action"] == "send_welcome_email"]
    assert (mail["status"], mail["attempts"]) == ("succeeded", 1)
    code, answer = await lead.json("actions", "retry", str(mail["id"]), "987654321", *company(lead))
    assert (code, answer["retried"]) == (1, 0)
    assert [refused["id"] for refused in answer["refused"]] == [mail["id"], 987654321]
    assert "is succeeded" in answer["refused"][0]["problem"]


async def test_all_failed_actions_are_retried(lead: Shell) -> None:
    lead.rows(
        "update journey_actions set status = 'failed' where company_id = %(company)s"
        " and action = 'send_welcome_email' returning 1"
    )
    code, answer = await lead.json("actions", "retry", "--failed", *company(lead))
    assert (code, answer) == (0, {"retried": 1, "refused": []})
    assert {action["status"] for action in await settled(lead, 3)} == {"succeeded", "suppressed"}
    code, answer = await lead.json("actions", "retry", "--failed", *company(lead))
    assert (code, answer["retried"]) == (0, 0)


async def test_tasks_are_listed_assigned_and_completed(lead: Shell) -> None:
    _, found = await lead.json("tasks", "list", *company(lead))
    (task,) = found["tasks"]
    assert (task["kind"], task["staff_name"]) == ("follow_up", "Sam Example")
    code, given = await lead.json("tasks", "assign", str(task["id"]), "--nobody", *company(lead))
    assert (code, given["assigned_to"]) == (0, None)
    _, found = await lead.json("tasks", "list", "--assigned-to", "nobody", *company(lead))
    assert [task["id"] for task in found["tasks"]] == [task["id"]]
    assert (await lead.run("tasks", "assign", str(task["id"]), "--to", "987654321", *company(lead)))[0] == 1
    code, out, _ = await lead.run("tasks", "done", str(task["id"]), "--note", "[/bold] ok", *company(lead))
    assert (code, "is done" in out) == (0, True)
    code, out, _ = await lead.run("tasks", "list", "--status", "done", *company(lead))
    assert (code, "[/bold]" in out) == (0, True)
    code, _, err = await lead.run("tasks", "assign", str(task["id"]), "--nobody", *company(lead))
    assert (code, "is done" in err) == (1, True)
    assert (await lead.run("tasks", "done", "987654321", *company(lead)))[0] == 1


async def test_staff_are_added_and_removed(shell: Shell) -> None:
    add = ["staff", "add", "Grace Example", "--role", "manager", "--email", "grace@example.com"]
    code, person = await shell.json(*add, *company(shell))
    assert (code, person["role"], person["is_active"]) == (0, "manager", True)
    assert (await shell.run("staff", "remove", str(person["id"]), *company(shell)))[0] == 0
    _, people = await shell.json("staff", "list", *company(shell))
    assert [(found["name"], found["is_active"]) for found in people] == [("Grace Example", False)]
    assert (await shell.run("staff", "remove", "987654321", *company(shell)))[0] == 1


async def test_webhooks_and_their_secrets(shell: Shell) -> None:
    code, added = await shell.json("webhooks", "add", "https://crm.example.com/hook", *company(shell))
    assert (code, added["secret"].startswith("whsec_")) == (0, True)
    number = str(added["id"])
    code, rotated = await shell.json("webhooks", "rotate", number, *company(shell))
    assert (code, rotated["rotating"], rotated["secret"] != added["secret"]) == (0, True, True)
    code, _, err = await shell.run("webhooks", "rotate", number, *company(shell))
    assert (code, "finish it first" in err) == (2, True)
    code, finished = await shell.json("webhooks", "rotate", number, "--finish", *company(shell))
    assert (code, finished["rotating"]) == (0, False)
    assert shell.rows("select secret, previous_secret from webhook_endpoints where company_id = %(company)s") == [
        (rotated["secret"], None)
    ]
    for verb, on in (("disable", False), ("enable", True)):
        code, switched = await shell.json("webhooks", verb, number, *company(shell))
        assert (code, switched["is_active"]) == (0, on)
    code, out, _ = await shell.run("webhooks", "list", *company(shell))
    assert (code, "crm.example.com" in out, "whsec_" in out) == (0, True, False)
    assert [(await shell.run("webhooks", "remove", number, *company(shell)))[0] for _ in range(2)] == [0, 1]


async def test_outreach_settings(shell: Shell, tmp_path: Path) -> None:
    code, shown = await shell.json("outreach", "show", *company(shell))
    assert (code, shown["cap_messages"]) == (0, 3)
    file = tmp_path / "outreach.json"
    file.write_text(json.dumps({**shown, "cap_messages": 1}))
    code, changed = await shell.json("outreach", "set", str(file), *company(shell))
    assert (code, changed) == (0, {**shown, "cap_messages": 1})
    file.write_text('{"cap_massages": 1}')
    code, _, err = await shell.run("outreach", "set", str(file), *company(shell))
    assert (code, "cap_massages" in err) == (2, True)
    _, kept = await shell.json("outreach", "show", *company(shell))
    assert kept["cap_messages"] == 1
    code, out, _ = await shell.run("outreach", "show", *company(shell))
    assert "day 3 sms" in out


async def test_company_templates(shell: Shell, tmp_path: Path) -> None:
    text, html = tmp_path / "w.txt", tmp_path / "w.html"
    text.write_text("Hallo {{ name }}!")
    html.write_text("<p>Hallo {{ name }}!</p>")
    words = ["--locale", "de", "--subject", "Willkommen", "--text", str(text), "--html", str(html)]
    assert (await shell.run("templates", "set", "welcome", *words, *company(shell)))[0] == 0
    code, shown = await shell.json("templates", "show", "welcome", "--locale", "de-AT", *company(shell))
    assert (code, shown["own"]["locale"], shown["preview"]["text"]) == (0, "de", "Hallo Ada Example!\n")
    _, listed = await shell.json("templates", "list", *company(shell))
    assert [message["own"] for message in listed if message["name"] == "welcome"] == [["de"]]
    text.write_text("Hallo {{ nmae }}!")
    code, _, err = await shell.run("templates", "set", "welcome", *words, *company(shell))
    assert (code, "unknown variable 'nmae'" in err) == (2, True)
    remove = ["templates", "remove", "welcome", "--locale", "de", *company(shell)]
    assert [(await shell.run(*remove))[0] for _ in range(2)] == [0, 1]
    code, out, _ = await shell.run("templates", "show", "welcome", *company(shell))
    assert (code, "built-in" in out, "Ada Example" in out) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["actions", "list", "--company", "999999"], "999999"),
        (["actions", "list", "--company", "1", "--status", "dead"], "dead"),
        (["actions", "retry", "--company", "1"], "--failed"),
        (["tasks", "list", "--company", "999999"], "999999"),
        (["tasks", "list", "--company", "1", "--assigned-to", "me"], "nobody"),
        (["tasks", "assign", "1", "--company", "1"], "--nobody"),
        (["tasks", "assign", "1", "--to", "1", "--nobody", "--company", "1"], "--nobody"),
        (["tasks", "done", "0", "--company", "1"], "ID"),
        (["staff", "add", "Sam", "--role", "boss", "--company", "1"], "boss"),
        (["staff", "add", " ", "--role", "sales", "--company", "1"], "name"),
        (["staff", "add", "Sam", "--role", "sales", "--email", "x", "--company", "1"], "--email"),
        (["staff", "add", "Sam", "--role", "sales", "--company", "999999"], "999999"),
        (["webhooks", "add", "http://crm.example.com/", "--company", "1"], "https"),
        (["webhooks", "add", "https://crm.example.com/", "--company", "999999"], "999999"),
        (["outreach", "set", "nowhere.json", "--company", "1"], "nowhere.json"),
        (["templates", "show", "farewell", "--company", "1"], "farewell"),
        (["templates", "show", "welcome", "--locale", "german", "--company", "1"], "german"),
        (["templates", "set", "welcome", "--text", "nowhere.txt", "--company", "1"], "nowhere.txt"),
    ],
)
async def test_wrong_use_is_exit_code_2_with_a_reason(shell: Shell, words: list[str], reason: str) -> None:
    code, _, err = await shell.run(*words)
    assert code == 2, err
    assert reason in err
    assert "Traceback" not in err
