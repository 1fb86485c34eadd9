"""The dashboard's own checks and tests, and that `openapi.json` matches the API."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local import dashboard_build

DASHBOARD = dashboard_build.FOLDER


def test_openapi_json_is_up_to_date() -> None:
    result = subprocess.run(
        [sys.executable, DASHBOARD / "openapi.py", "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, (
        f"{result.stderr}\nRun `npm run types:fetch` in dashboard/; `npm run check` then reports affected code."
    )


@pytest.mark.parametrize("script", ["check", "test"])
def test_npm_script(script: str) -> None:
    dashboard_build.build(print)
    environment = dashboard_build.environment(print)
    result = subprocess.run(
        ["npm", "run", script], cwd=DASHBOARD, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
