"""`journey simulate`: what it prints, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.events.simulate import simulate
from cli.rules_file import as_yaml

BASE = {"customer_id": 1, "occurred_at": "2026-01-01T00:00:00Z"}
CALL = {**BASE, "id": "1", "type": "call.received", "duration_seconds": 90}
VISIT = {**BASE, "id": "2", "type": "appointment.completed", "occurred_at": "2026-01-02T00:00:00Z", "amount": "600"}
OTHER = {**VISIT, "id": "3", "customer_id": 2, "occurred_at": "2026-01-02T12:00:00Z", "amount": "9.99"}
LOG = [CALL, VISIT, OTHER, OTHER]
RULES = [
    {"stage_key": "prospect"},
    {"stage_key": "customer", "auto_transition_rules": {"trigger": "appointment_completed"}},
    {"stage_key": "gold", "auto_transition_rules": {"trigger": "lifetime_value", "conditions": {"value": ">=500"}}},
    {
        "stage_key": "gone",
        "auto_transition_rules": {"trigger": "days_since_last_appointment", "conditions": {"days": ">7"}},
    },
]


@pytest.fixture
def log(tmp_path: Path) -> str:
    return written(tmp_path, "log.jsonl", *LOG)


def written(folder: Path, name: str, *lines: Any) -> str:
    path = folder / name
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return str(path)


def moves(found: dict[str, Any]) -> set[tuple[str | None, str, int]]:
    return {(move["from"], move["to"], move["count"]) for move in found["transitions"]}


def test_json_as_of_the_last_event(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(log, None, None, True) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["as_of", "stages", "transitions"]
    assert found["as_of"] == "2026-01-02T12:00:00Z"
    assert found["stages"] == {
        "prospect": 0,
        "lead": 0,
        "customer": 2,
        "regular": 0,
        "vip": 0,
        "at_risk": 0,
        "churned": 0,
    }
    assert moves(found) == {
        (None, "prospect", 2),
        ("prospect", "lead", 1),
        ("prospect", "customer", 1),
        ("lead", "customer", 1),
    }


def test_json_at_another_time_and_by_other_rules(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(log, "2026-01-09T14:00:00+02:00", None, True) == 0
    assert json.loads(capsys.readouterr().out)["as_of"] == "2026-01-09T12:00:00Z"
    rules = written(tmp_path, "rules.json", {"stages": RULES})
    assert simulate(log, "2026-01-09T14:00:00+02:00", rules, True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stages"] == {"prospect": 0, "customer": 1, "gold": 0, "gone": 1}
    assert ("gold", "gone", 1) in moves(found)


def test_events_after_as_of_are_ignored(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(log, "2026-01-01T12:00:00Z", None, True) == 0
    assert moves(json.loads(capsys.readouterr().out)) == {(None, "prospect", 1), ("prospect", "lead", 1)}


def test_tables_for_people(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(log, None, None, False) == 0
    shown = capsys.readouterr().out
    assert "events: 3, customers: 2" in shown
    assert "1 duplicates" in shown
    assert any(line.split() == ["customer", "2", "100.0%", "█" * 30] for line in shown.splitlines())
    assert any(line.split() == ["lead", "→", "customer", "1"] for line in shown.splitlines())
    rules = written(tmp_path, "rules.json", RULES)
    assert simulate(log, None, rules, False) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["stage", "default", "these", "rules", "difference", "share"] in rows
    assert ["customer", "2", "1", "-1", "50.0%", "█" * 15] in rows
    assert ["gold", "–", "1", "+1", "50.0%", "█" * 15] in rows
    assert ["lead", "0", "–", "=", "0.0%"] in rows
    assert ["customer", "→", "gold", "–", "1", "+1"] in rows


def test_bad_lines_are_reported_by_number_and_the_rest_is_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clash = {**LOG[0], "duration_seconds": 5}
    log = written(tmp_path, "log.jsonl", LOG[0], "garbage [red]", "", {**LOG[1], "amount": "1.005"}, clash)
    assert simulate(log, None, None, True) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["stages"]["lead"] == 1
    assert "line 2: (body): must be JSON" in err
    assert "garbage [red]" in err
    assert "line 4: amount: " in err
    assert "2 lines rejected" in err
    assert "1 ids with different content" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.jsonl", None, None), "none.jsonl: No such file or directory"),
        (("LOG", "2026-01-01", None), "--as-of '2026-01-01' is not a time with an offset"),
        (("LOG", "2026-01-01T00:00:00", None), "is not a time with an offset"),
        (("LOG", "0001-01-01T00:00:00+14:00", None), "between 1900 and 2200"),
        (("LOG", None, "none.json"), "--rules none.json: No such file"),
        (("LOG", None, "LOG"), "not JSON"),
        (("LOG", None, "BAD"), "stages[1].auto_transition_rules.trigger: 'luck' is not one of"),
        (("EMPTY", None, None), "the log has no events"),
    ],
)
def test_wrong_use_is_exit_2(
    arguments: tuple[str | None, ...], said: str, log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = written(
        tmp_path, "bad.json", [{"stage_key": "a"}, {"stage_key": "b", "auto_transition_rules": {"trigger": "luck"}}]
    )
    names = {"LOG": log, "EMPTY": written(tmp_path, "empty.jsonl"), "BAD": bad}
    file, as_of, rules = (names.get(name or "", name) for name in arguments)
    assert simulate(file or "", as_of, rules, True) == 2
    assert said in capsys.readouterr().err


def test_rules_can_be_compared_from_yaml(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(as_yaml({"stages": RULES, "reason": "as `journey stages apply` takes it"}))
    assert simulate(log, None, str(file), as_json=True) == 0
    assert set(json.loads(capsys.readouterr().out)["stages"]) == {"prospect", "customer", "gold", "gone"}
