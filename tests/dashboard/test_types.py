"""What the dashboard's types are made from is the gateway's own description."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_description_that_the_dashboard_was_made_for_is_that_of_the_gateway() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "dashboard" / "openapi.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, (
        f"{checked.stderr}\nWrite it anew with `.venv/bin/python dashboard/openapi.py`; "
        "then `npm run check` in dashboard/ says what is concerned."
    )
