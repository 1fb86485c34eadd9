"""`journey stages`: rules as a file, applied, rolled out and restored."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import Client

from cli.rules_file import read_rules
from contracts.journey_client import send_events
from journey.presets import presets
from tests.cli.conftest import Shell


def of(shell: Shell) -> list[str]:
    return ["--company", str(shell.company)]


async def visited(shell: Shell, customer: str, amount: str) -> None:
    client = await Client.connect(shell.environment["TEMPORAL_ADDRESS"])
    visit = {"id": f"e-{customer}", "type": "appointment.completed", "customer_id": customer, "amount": amount}
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    await send_events(client, shell.company, customer, [{**visit, "occurred_at": at}])
    for _ in range(300):
        if stage_of(shell, customer):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("no journey")


def stage_of(shell: Shell, customer: str) -> str | None:
    rows = shell.rows(
        "select r.current_stage from customer_relationships r join customers c on c.id = r.customer_id"
        f" where r.company_id = %(company)s and c.external_id = '{customer}'"
    )
    return rows[0][0] if rows else None


async def test_rules_are_edited_as_a_file(shell: Shell, tmp_path: Path) -> None:
    await visited(shell, "rich", "600.00")
    code, text, _ = await shell.run("stages", "show", *of(shell))
    assert code == 0
    assert text.startswith(f"# version 1 of company {shell.company}\n")
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    code, answer = await shell.json("stages", "apply", str(file), *of(shell))
    assert (code, answer) == (0, {"version": 1, "rollout_id": None})  # as it is: nothing changes
    rules = yaml.safe_load(text)
    (vip,) = [stage for stage in rules["stages"] if stage["stage_key"] == "vip"]
    vip["auto_transition_rules"]["conditions"]["value"] = ">=500"
    file.write_text(yaml.safe_dump({**rules, "reason": "VIP from 500"}))
    code, done = await shell.json("stages", "apply", str(file), *of(shell), "--wait")
    assert (code, done["status"], done["moves"]) == (0, "complete", [{"from": "customer", "to": "vip", "count": 1}])
    assert stage_of(shell, "rich") == "vip"
    _, versions = await shell.json("stages", "versions", *of(shell))
    assert [(v["version"], v["reason"], v["actor"]) for v in versions] == [
        (2, "VIP from 500", "command line"),
        (1, None, "system"),
    ]
    _, earlier, _ = await shell.run("stages", "show", "--version", "1", *of(shell))
    assert yaml.safe_load(earlier) == yaml.safe_load(text)
    code, out, _ = await shell.run("stages", "restore", "1", *of(shell), "--reason", "a mistake")
    assert (code, "Version 3 is in force." in out) == (0, True)
    code, out, _ = await shell.run("stages", "rollout", "3", *of(shell), "--wait")
    assert (code, "No journey has been moved." in out) == (0, True)  # a raised threshold takes no stage away
    assert stage_of(shell, "rich") == "vip"
    assert (await shell.run("stages", "rollout", "9", *of(shell)))[0] == 1
    assert (await shell.run("stages", "restore", "9", *of(shell)))[0] == 1


async def test_nobodys_change_is_overwritten(shell: Shell, tmp_path: Path) -> None:
    _, rules = await shell.json("stages", "show", *of(shell))
    file = tmp_path / "rules.json"
    rules["stages"][0]["stage_name"] = "Newcomer"
    file.write_text(json.dumps(rules))
    code, answer = await shell.json("stages", "apply", str(file), *of(shell))
    assert (code, answer) == (0, {"version": 2, "rollout_id": "2"})
    rules["stages"][0]["stage_name"] = "Visitor"
    file.write_text(json.dumps(rules))
    code, _, err = await shell.run("stages", "apply", str(file), *of(shell))
    assert (code, "version 2 is in force, and the change was made from version 1" in err) == (1, True)
    code, answer = await shell.json("stages", "apply", str(file), *of(shell), "--expect", "2")
    assert (code, answer["version"]) == (0, 3)


async def test_every_mistake_is_listed(shell: Shell) -> None:
    _, rules = await shell.json("stages", "show", *of(shell))
    rules["stages"][3]["auto_transition_rules"] = [{"trigger": "appointment_count", "conditions": {"count": "3"}}]
    rules["stages"][4]["color"] = "gold"
    code, _, err = await shell.run("stages", "apply", "-", *of(shell), stdin=json.dumps(rules).encode())
    assert code == 2
    assert "nothing was changed" in err
    assert "stages[3].auto_transition_rules[0].conditions.count: " in err
    assert "stages[4].color: " in err
    assert (await shell.json("stages", "show", *of(shell)))[1]["version"] == 1


async def test_ready_made_rules_can_be_applied(shell: Shell) -> None:
    _, listed = await shell.json("stages", "preset")
    assert [preset["key"] for preset in listed] == [preset.key for preset in presets()]
    for preset in presets():
        code, text, err = await shell.run("stages", "preset", preset.key)
        assert code == 0, err
        code, _, err = await shell.run("stages", "apply", "-", *of(shell), stdin=text.encode())
        assert (code, err) == (0, "")
    code, _, err = await shell.run("stages", "preset", "quick")
    assert (code, "there are: default" in err) == (2, True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stages: [", "not YAML"),
        ("{", "not JSON"),
        ("rules: []", "'rules' is unknown"),
        ("stages: []\nstages: []", "'stages' comes twice"),
        ('{"stages": [], "stages": []}', "'stages' comes twice"),
        ("stages: [{1: a}]", "a key is not a text"),
        ("a text", "a list of stages is required"),
        ("stages: !!python/object:os.system {}", "not YAML"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_is_read_strictly(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "rules"
    file.write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_rules(str(file))


def test_a_file_can_be_a_list_of_stages(tmp_path: Path) -> None:
    stages: list[dict[str, Any]] = [{"stage_key": "a"}, {"stage_key": "b"}]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(stages))
    assert read_rules(str(file)) == {"stages": stages}
    with pytest.raises(ValueError, match="No such file"):
        read_rules(str(tmp_path / "none"))
