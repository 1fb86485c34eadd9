"""`journey up` as its user sees it: real Postgres and Temporal, with stubs for worker and gateway.

It runs as a separate process. The tests of the whole system start it with the real worker and gateway.
"""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import anyio
import httpx2
import psycopg
import pytest
import rich.console

from contracts.encryption import EncryptionKeys
from local import data_folder
from local.console import Console
from local.first_run import encryption_key
from local.managed_process import ManagedProcess
from local.stack import LocalStack
from local.supervisor import GaveUp, supervised
from tests.support.ports import unused_port

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).with_name("stub_journey.py")


class Up:
    """A running `up` and its output."""

    def __init__(self, data: Path, port: int, *, before: str = "", dashboard: bool = False, **environment: str) -> None:
        script = before + (
            "import sys; from pathlib import Path; import local.services\n"
            "local.services.JOURNEY = sys.argv[1]\n"
            "import local.stack\n"  # not the default ports: another process of the tests starts its `up` with those
            "local.stack.TEMPORAL_PORT, local.stack.TEMPORAL_UI_PORT = int(sys.argv[4]), int(sys.argv[5])\n"
            "from cli.system.up import up\n"
            f"up(Path(sys.argv[2]), int(sys.argv[3]), dashboard={dashboard}, demo=False)"
        )
        journey = data.parent / "journey"
        journey.write_text(f'#!/bin/sh\nexec {sys.executable} {STUB} "$@"\n')
        journey.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "TEMPORAL_ADDRESS")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(journey), str(data), *map(str, (port, unused_port(), unused_port()))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=kept | environment,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.output += line

    def until(self, pattern: str, seconds: float = 60) -> str:
        """Wait until `pattern` matches the output; returns its last matched group."""
        end = monotonic() + seconds
        while not (found := re.search(pattern, self.output)):
            assert monotonic() < end, f"no {pattern!r} in:\n{self.output}"
            assert self.process.poll() is None or self._reader.is_alive(), f"exited without {pattern!r}:\n{self.output}"
            sleep(0.02)
        return found[found.lastindex or 0]

    def end(self, by: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(by)
        code = self.process.wait(60)
        self._reader.join(5)
        return code


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        yield Path(folder) / "data"


@contextmanager
def up(data: Path, port: int, **options: Any) -> Iterator[Up]:
    started = Up(data, port, **options)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def test_start_restart_stop_and_kill(data: Path) -> None:
    port = unused_port()
    with up(data, port) as first:
        assert first.until(r"API key: in (\S+)") == str((data / "admin.key").resolve())
        first.until("Stop: Ctrl-C")
        key = (data / "admin.key").read_text().strip()
        assert key.startswith("pk_")
        assert "pk_" not in first.output  # it may end in a log
        assert (data / "admin.key").stat().st_mode & 0o777 == 0o600
        assert f"API docs: http://127.0.0.1:{port}/docs" in first.output
        order = [
            "postgres ready",
            "temporal ready",
            "database schema ready",
            "worker ready",
            "gateway ready",
            "Everything is",
        ]
        places = [first.output.index(text) for text in order]
        assert places == sorted(places)
        ui = first.until(r"Temporal UI: (http://127.0.0.1:\d+)")
        hosts = {
            host: httpx2.get(ui, headers={"host": host}, trust_env=False).status_code
            for host in ("localhost", "x.test")
        }
        assert hosts == {"localhost": 200, "x.test": 421}
        found = data_folder.environment(data)
        assert found["PUBLIC_URL"] == f"http://127.0.0.1:{port}"
        with psycopg.connect(found["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT count(*) FROM companies WHERE id = 1").fetchone() == (1,)

        with up(data, port) as second:
            assert second.process.wait(30) == 1
            second.until(rf"another `up` \(process {first.process.pid}\) is using {re.escape(str(data.resolve()))}")

        for name in ("gateway", "worker", "postgres", "temporal"):
            os.kill(_child(first.process.pid, name), signal.SIGKILL)
            first.until(f"{name} exited unexpectedly")
            first.until(f"{name} is running again")

        children = _children(first.process.pid)
        assert len(children) == 4
        assert first.end() == 0, first.output
        stopped = re.findall("stopping (.*)", first.output)
        assert stopped == ["gateway", "worker", "temporal", "postgres"]
        assert not any(map(_alive, children))
        assert data_folder.environment(data) == {}

    with socket.create_server(("127.0.0.1", port)), up(data, port) as again:
        again.until(r"API key: in (\S+)")
        assert (data / "admin.key").read_text().strip() == key
        again.until(f"Port {port} was in use")
        assert f"http://127.0.0.1:{port}/docs" not in again.output
        children = _children(again.process.pid)
        again.process.kill()  # SIGKILL: it can stop nothing itself
        end = monotonic() + 10
        while any(map(_alive, children)):
            assert monotonic() < end, "a service outlived its parent"
            sleep(0.02)


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, "pk_secret"), (False, "in {}/admin.key")])
def test_the_key_is_shown_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, shown: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # for colours in logs
    output = io.StringIO()
    monkeypatch.setattr(output, "isatty", lambda: is_terminal)
    stack = LocalStack(tmp_path, 8000, Console(rich.console.Console(file=output)), dashboard=None, demo=False)
    stack.key = "pk_secret"
    assert stack._shown_key() == shown.format(tmp_path)


def test_services_named_by_the_environment_are_used(data: Path, postgres_url: str, temporal_address: str) -> None:
    name = "up_elsewhere"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = postgres_url.replace("/perdure?", f"/{name}?")
    with up(data, unused_port(), DATABASE_URL=url, TEMPORAL_ADDRESS=temporal_address) as started:
        started.until("Everything is running")
        assert len(_children(started.process.pid)) == 2
        assert data_folder.environment(data)["TEMPORAL_ADDRESS"] == temporal_address
        assert started.end(signal.SIGTERM) == 0
    assert not (data / "postgres").exists()
    assert not (data / "temporal").exists()


UNBUILT = """
from local import dashboard_build
def build(*_):
    raise dashboard_build.BuildFailed("npm run build ended with code 3")
dashboard_build.is_current, dashboard_build.build = lambda: False, build
"""


def test_a_failed_dashboard_build_does_not_stop_up(data: Path) -> None:
    with up(data, unused_port(), before=UNBUILT, dashboard=True) as started:
        started.until("Everything is running")
        assert "could not be built: npm run build ended with code 3" in started.output
        assert "Dashboard: could not be built" in started.output
        assert started.end() == 0
    with up(data, unused_port(), before=UNBUILT.replace("False, build", "True, build"), dashboard=True) as built:
        link = built.until(r"Dashboard: (\S+)")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/sign-in#token=[\w-]{43}", link)
        with psycopg.connect(data_folder.environment(data)["DATABASE_URL"]) as connection:
            left = connection.execute("select expires_at - now() < '15 minutes', used_at from sign_in_links")
            assert left.fetchall() == [(True, None)]
        assert built.end() == 0


def test_an_unreachable_temporal_is_reported(data: Path, postgres_url: str) -> None:
    nowhere = f"127.0.0.1:{unused_port()}"
    with up(data, unused_port(), DATABASE_URL=postgres_url, TEMPORAL_ADDRESS=nowhere) as started:
        assert started.process.wait(60) == 1
        started.until("Temporal at TEMPORAL_ADDRESS: .*")


async def test_a_service_that_keeps_exiting_ends_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.supervisor.FIRST_RESTART_DELAY", 0.001)
    messages: list[str] = []
    steady = ManagedProcess("steady", ["sleep", "60"])
    with pytest.RaisesGroup(pytest.RaisesGroup(pytest.RaisesExc(GaveUp, match=r"(?s)for the 5th time.*goodbye"))):
        async with supervised(messages.append) as supervisor:
            await supervisor.add(steady)
            await supervisor.add(ManagedProcess("weak", ["sh", "-c", "echo goodbye; sleep 0.5; exit 3"]))
            await anyio.sleep(20)
    assert messages[0] == "weak exited unexpectedly (code 3); restarting in 0.001 s"
    assert len(messages) == 9  # four more starts, each with "is running again", and the stop of the other
    assert messages[-1] == "stopping steady"
    assert not steady.running


async def test_a_service_that_ignores_the_stop_signal_is_killed() -> None:
    deaf = ManagedProcess("deaf", ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
    deaf.stop_limit = 0.2
    deaf.spawn()
    with anyio.fail_after(5):
        while not deaf.tail:
            await anyio.sleep(0.01)
    assert await deaf.stop() == -signal.SIGKILL


def test_addresses_are_published_only_while_up_is_running(tmp_path: Path) -> None:
    with data_folder.locked(tmp_path):
        assert data_folder.environment(tmp_path) == {}
        data_folder.publish(tmp_path, {"DATABASE_URL": "postgresql://"})
        assert data_folder.environment(tmp_path) == {"DATABASE_URL": "postgresql://"}
        assert json.loads((tmp_path / data_folder.ADDRESSES).read_text()) == data_folder.environment(tmp_path)
    assert data_folder.environment(tmp_path) == {}


def _children(parent: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _child(parent: int, name: str) -> int:
    for child in _children(parent):
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        if name in words[:4] or Path(words[0]).name == name:
            return child
    raise AssertionError(f"no {name} among the children")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_key_of_encryption_is_made_once_and_private(tmp_path: Path) -> None:
    made = encryption_key(tmp_path)
    assert encryption_key(tmp_path) == made
    assert (tmp_path / "encryption.key").stat().st_mode & 0o777 == 0o600
    keys = EncryptionKeys.parse(made)
    assert keys.open("intake", keys.seal("intake", b"a call")) == b"a call"
    (tmp_path / "other").mkdir()
    assert encryption_key(tmp_path / "other") != made
