"""The dashboard's own checks and tests; and that its types are made from the gateway's description of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local import dashboard_build

DASHBOARD = dashboard_build.FOLDER


def test_the_description_that_the_dashboard_was_made_for_is_that_of_the_gateway() -> None:
    checked = subprocess.run(
        [sys.executable, DASHBOARD / "openapi.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, (
        f"{checked.stderr}\nWrite it anew with `.venv/bin/python dashboard/openapi.py`; "
        "then `npm run check` in dashboard/ says what is concerned."
    )


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_dashboards_own(script: str) -> None:
    dashboard_build.build(print)
    environment = dashboard_build.environment(print)
    done = subprocess.run(
        ["npm", "run", script], cwd=DASHBOARD, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
