"""The drill of `tests/chaos/rules_drill.py` in a small size."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.chaos.rules_drill import main


async def test_a_roll_out_is_what_its_preview_said_whatever_is_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-rules-") as folder:
        log = Path(folder) / "log.jsonl"
        log.write_text("".join(json.dumps(visit(customer, day)) + "\n" for customer in range(30) for day in (9, 40)))
        done, kills = await main(
            log,
            Path(folder),
            kills=1,
            rate=20,
            pause=0.5,
            seed=4,
            names=["threshold down"],
            workers=1,
            waits=(0.05, 0.3),
        )
    assert done.problems == []
    ((_, compared, rollout),) = done.found
    assert sum(compared.counts.values()) == 30
    assert rollout["report"]["planned"] > 10
    assert sum(kills.values()) == 2  # one in the preview, one in the roll-out
    assert done.sent > 0


def visit(customer: int, days_ago: int) -> dict[str, str]:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    head = {"id": f"{customer}-{days_ago}", "type": "appointment.completed", "customer_id": f"c-{customer}"}
    return {**head, "occurred_at": at, "amount": str(20 * customer)}
