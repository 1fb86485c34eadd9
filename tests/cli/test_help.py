"""The help pages: one for every command, each with an example, and without importing what the command needs."""

import re
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import MODULES, PANELS, app, load

RUNNER = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"})


def leaves() -> list[list[str]]:
    """Every command line that runs something, like ["keys", "list"]."""
    found = []
    for name in MODULES:
        subcommands: dict[str, Any] = getattr(load(name), "commands", {})
        found += [[name, subcommand] for subcommand in subcommands] or [[name]]
    return found


@pytest.mark.parametrize("words", leaves(), ids=" ".join)
def test_help_has_a_sentence_and_an_example(words: list[str]) -> None:
    shown = RUNNER.invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    assert f"Usage: journey {' '.join(words)} " in shown.output
    assert re.search(rf"Example: (\S+=\S+ )*journey {' '.join(words)}", shown.output)


def test_the_main_help_lists_every_command_with_its_summary() -> None:
    shown = RUNNER.invoke(app, ["--help"])
    assert shown.exit_code == 0
    for panel, commands in PANELS.items():
        assert panel in shown.output
        for name, (_, summary) in commands.items():
            assert f"{name} " in shown.output
            assert summary in shown.output


@pytest.mark.parametrize("name", MODULES)
def test_the_summary_equals_the_first_line_of_the_commands_help(name: str) -> None:
    summary = next(commands[name][1] for commands in PANELS.values() if name in commands)
    assert load(name).help.split("\n")[0] == summary


def test_the_main_help_imports_no_command() -> None:
    check = "import sys, cli.main; print([m for m in ('temporalio', 'psycopg', 'pydantic') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_unknown_commands_get_a_suggestion() -> None:
    shown = RUNNER.invoke(app, ["validat"])
    assert shown.exit_code == 2
    assert "Did you mean 'validate'?" in shown.output
