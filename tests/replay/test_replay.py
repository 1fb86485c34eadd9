"""The current workflow code can take over every journey that earlier versions started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.replay.fingerprint import STORED, fingerprint, fingerprints, stored
from tests.replay.replaying import WHAT_TO_DO, replay, saved

ROOT = Path(__file__).parents[2]
RUNNERS = {"unsandboxed": UnsandboxedWorkflowRunner, "sandboxed": SandboxedWorkflowRunner}
FIRST_VERSION = ("long-life", "outage", "quarantine", "take-over", "storm", "import")


def test_every_kind_of_history_exists() -> None:
    names = [path.stem for path in saved() if path.parent.name == "v1"]
    for life in FIRST_VERSION:
        assert any(name.startswith(life) for name in names), f"no history of {life}"
    assert sum(name.startswith("long-life") for name in names) >= 4, "of several runs"


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("path", saved(), ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_replays(path: Path, runner: str) -> None:
    made: WorkflowRunner = RUNNERS[runner]()
    problem = await replay(path, made)
    if problem:
        pytest.fail(problem + "\n" + WHAT_TO_DO, pytrace=False)


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_replays_under_another_hash_seed(seed: str) -> None:
    """Iterating over a set would take another order under another seed."""
    command = [sys.executable, "-m", "tests.replay.replaying"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr


def test_workflow_code_has_the_recorded_fingerprint() -> None:
    changed = sorted(file for file in {**stored(), **fingerprints()} if stored().get(file) != fingerprints().get(file))
    if changed:
        pytest.fail(
            f"{', '.join(changed)} changed. Workflow code is replayed for years: read docs/changing-workflows.md.\n"
            "Do the other tests of this folder pass? Does the change need histories of its own (a new command, a new\n"
            f"branch)? If so, record the new fingerprint ({STORED.name}) and commit it with the change:\n\n"
            "    python -m tests.replay.fingerprint\n",
            pytrace=False,
        )


def test_fingerprint_sees_code_and_nothing_else() -> None:
    code = 'def f(a: int) -> int:\n    """Doc."""\n    return a + 1\n'
    assert fingerprint(code) == fingerprint("# why\ndef f(\n    a: int,\n) -> int:\n    return (a + 1)  # this\n")
    assert fingerprint(code) != fingerprint(code.replace("1", "2"))
    assert fingerprint(code) != fingerprint(code.replace("a + 1", "1 + a"))
