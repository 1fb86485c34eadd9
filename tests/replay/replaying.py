"""Replay the saved histories with the current workflow code.

python -m tests.replay.replaying    # replays all of them; exit code 1 and what to do when one does not
"""

import asyncio
import sys
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner

import connection
from workflows.customer_journey import CustomerJourney
from workflows.evaluate_all import EvaluateAll
from workflows.maintenance import FitReturnModels, Reconciliation, StageMetrics
from workflows.retention_campaign import RetentionCampaign

HISTORIES = Path(__file__).with_name("histories")
WHAT_TO_DO = """
The histories under tests/replay/histories/ are like those of journeys in production. Workflow code that does not
replay them blocks every such journey at its next event. So do not re-record them; keep the old code next to the new:

    if workflow.patched(names.SOME_CHANGE):   # a constant in contracts/names.py
        ...the new code...
    else:
        ...the old code, unchanged...

and add histories of the new code as a new version. docs/changing-workflows.md describes each step.
"""


def saved() -> list[Path]:
    """Return all histories of all versions."""
    return sorted(HISTORIES.glob("*/*.json"))


async def replay(path: Path, runner: WorkflowRunner) -> str | None:
    """Replay one history; return why it fails, or None."""
    replayer = Replayer(
        workflows=[CustomerJourney, RetentionCampaign, StageMetrics, Reconciliation, FitReturnModels, EvaluateAll],
        workflow_runner=runner,
        data_converter=connection.converter(None),
        build_id="replay",
    )
    text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    history = WorkflowHistory.from_json(f"journey/1/{path.stem}", text)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return None if result.replay_failure is None else f"{path.name}: {result.replay_failure}"


async def main() -> int:
    problems = [await replay(path, UnsandboxedWorkflowRunner()) for path in saved()]
    found = [problem for problem in problems if problem]
    if found:
        print(*found, WHAT_TO_DO, sep="\n", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
