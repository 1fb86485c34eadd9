"""`journey stages preview`: what a file of rules would do, and an exit code for pipelines."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from cli.rule_previews import preview
from settings import Settings
from tests.cli.conftest import Shell
from tests.cli.test_stages import of, stage_of, visited


def vip_from(rules: dict[str, Any], amount: int) -> dict[str, Any]:
    (vip,) = [stage for stage in rules["stages"] if stage["stage_key"] == "vip"]
    vip["auto_transition_rules"]["conditions"]["value"] = f">={amount}"
    return rules


async def test_a_file_is_previewed_and_then_rolled_out(shell: Shell, tmp_path: Path) -> None:
    await visited(shell, "rich", "600.00")
    await visited(shell, "poor", "60.00")
    _, rules = await shell.json("stages", "show", *of(shell))
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(vip_from(rules, 500)))
    code, found = await shell.json("stages", "preview", str(file), *of(shell))
    assert (code, found["status"], found["total"]) == (0, "complete", 2)
    assert found["moves"] == [{"from": "customer", "to": "vip", "count": 1}]
    assert stage_of(shell, "rich") == "customer"
    code, out, err = await shell.run("stages", "preview", str(file), *of(shell), "--fail-over", "5%")
    assert (code, "1 of 2 customers (50.0 %) would be moved, more than the 5 % allowed." in err) == (1, True)
    assert "1 of 2 customers move." in out
    assert "With --run-actions, 1 messages would be sent to customers:" in out
    assert (await shell.run("stages", "preview", str(file), *of(shell), "--fail-over", "50"))[0] == 0
    code, out, _ = await shell.run("stages", "apply", str(file), *of(shell), "--wait")
    assert (code, "Of 1 customers that the preview moves, 1 were moved as planned." in out) == (0, True)
    assert stage_of(shell, "rich") == "vip"
    code, out, _ = await shell.run("stages", "preview", "--version", "1", *of(shell), "--since", "2020-01-01T00:00:00Z")
    assert (code, "No customer is moved." in out, "Since 2020-01-01 00:00 UTC" in out) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "give one of a file, --version and --preset"),
        (["--version", "1", "--preset", "rhythm"], "give one of a file, --version and --preset"),
        (["--preset", "quick"], "there are: default, rhythm"),
        (["--version", "9"], "there is no version 9 on record"),
        (["--preset", "rhythm", "--fail-over", "many"], "not a percentage from 0% to 100%"),
        (["--preset", "rhythm", "--since", "yesterday"], "--since: 'yesterday' is not a time with a UTC offset"),
    ],
)
async def test_what_cannot_be_previewed_is_refused(shell: Shell, words: list[str], problem: str) -> None:
    code, _, err = await shell.run("stages", "preview", *of(shell), *words)
    assert (code, problem in " ".join(err.split())) == (2, True), err


async def test_an_interrupted_preview_is_cancelled(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", shell.environment["TEMPORAL_ADDRESS"])
    settings = Settings(database_url=shell.url)
    options: dict[str, Any] = {"since": None, "fail_over": None, "as_json": True}
    task = asyncio.create_task(preview(settings, shell.company, None, None, "rhythm", **options))
    previews = "select count(*) from rule_previews where company_id = %(company)s"
    while shell.rows(previews) == [(0,)]:
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shell.rows(previews) == [(0,)]
