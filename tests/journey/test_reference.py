"""The real logs: final stages and transition counts equal to those that were computed from the logs alone."""

import json
import os
from pathlib import Path

import pytest

from cli.events.simulate import simulate

DATA = Path(os.environ.get("PERDURE_DATA") or "nowhere")
LOGS = ["anonymous_bank_calls", "cdnow_sample", "hair_salon", "online_retail"]

pytestmark = pytest.mark.skipif(
    not (DATA / "reference").is_dir(), reason="PERDURE_DATA names no folder with events/ and reference/"
)


@pytest.mark.parametrize("when", ["end", "end_plus_120d"])
@pytest.mark.parametrize("log", LOGS)
def test_a_log_leads_to_its_reference(log: str, when: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = json.loads((DATA / "reference" / f"{log}.json").read_bytes())["as_of"][when]
    assert simulate(str(DATA / "events" / f"{log}.jsonl.gz"), expected["at"], None, True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stages"] == expected["stages"]
    assert _counts(found["transitions"]) == _counts(expected["transitions"])
    assert set(found) == {"as_of", "stages", "transitions"}


def _counts(transitions: list[dict[str, str | int | None]]) -> list[tuple[str, str, str]]:
    assert all(set(move) == {"from", "to", "count"} for move in transitions)
    return sorted((str(move["from"]), str(move["to"]), str(move["count"])) for move in transitions)
