"""Fixtures for browser tests against the real system: `./run up --demo`, started once for all of these tests.

Uses Playwright directly instead of its pytest plugin, which keeps an event loop for the whole run, so that other
asynchronous tests could not run. Each module has its own browser.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

from db.connections import owner_connection
from db.people import api_keys, companies
from local import data_folder, services
from tests.support.ports import unused_port

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = (
    "Chromium not found: run `apt-get install chromium` as root, or put one of " + ", ".join(NAMES) + " on the PATH"
)
Result = TypeVar("Result")
START_LIMIT = 420.0  # seconds: the first start installs and builds the dashboard
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}


@dataclass
class Stack:
    """A running `up --demo`: its addresses, the demo company's API key, and the process."""

    url: str
    link: str
    key: str
    database_url: str
    process: subprocess.Popen[str]
    output: list[str]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def request(self, method: str, path: str, **options: Any) -> Any:
        with self.client() as client:
            response = client.request(method, path, **options)
            assert response.status_code < 300, response.text
            return response.json()

    def send_event(self, customer: str, kind: str = "appointment.completed", **fields: Any) -> None:
        """Send an event that occurs now, and wait until it is applied."""
        at = (datetime.now(UTC) - timedelta(seconds=2)).isoformat()
        fields = {"amount": "50.00"} | fields if kind == "appointment.completed" else fields
        event = {"id": uuid.uuid4().hex, "type": kind, "customer_id": customer, "occurred_at": at, **fields}
        (outcome,) = self.request("POST", "/v1/events?wait=10", json=event)["outcomes"]
        assert outcome["outcome"] == "applied"

    def create_company(self, name: str) -> tuple[int, str]:
        """Create a company and an API key with all scopes."""

        async def create() -> tuple[int, str]:
            async with owner_connection(self.database_url) as connection:
                company = await companies.create(connection, name, "USD")
                return company, (await api_keys.create(connection, company, "test", api_keys.SCOPES))[1]

        return run_in_thread(create)

    def create_key(self, *scopes: str) -> str:
        async def create() -> str:
            async with owner_connection(self.database_url) as connection:
                return (await api_keys.create(connection, 1, "reader", scopes))[1]

        return run_in_thread(create)

    def execute(self, statement: str, *params: object) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement.encode(), params)

    def kill_gateway(self) -> None:
        """Kill the gateway as a crash would; the supervisor restarts it."""
        parent = self.process.pid
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if b"\0gateway\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
                return
        raise AssertionError("no gateway process found")


def run_in_thread(function: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine function in a thread of its own, because Playwright has an event loop in this one."""
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(function())))
    thread.start()
    thread.join()
    return results[0]


@pytest.fixture(scope="session")
def chromium() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail(ADVICE)
    pytest.skip(ADVICE)


@pytest.fixture(scope="session")
def stack(chromium: str) -> Iterator[Stack]:
    """Start the whole system with the demo company and the built dashboard."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "TEMPORAL_ADDRESS")
    }
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        data = Path(folder) / "data"
        argv = [services.JOURNEY, "up", "--demo", "--data", str(data), "--port", str(unused_port())]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        output: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(target=lambda: output.extend(process.stdout or ()), daemon=True)
        reader.start()
        try:
            link = wait_for_output(process, output, r"Dashboard: (http\S+)")
            key = Path(wait_for_output(process, output, r"API key: in (\S+)")).read_text().strip()
            url = link.partition("/sign-in")[0]
            yield Stack(url, link, key, data_folder.environment(data)["DATABASE_URL"], process, output)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def wait_for_output(process: subprocess.Popen[str], output: list[str], pattern: str) -> str:
    end = monotonic() + START_LIMIT
    while not (match := re.search(pattern, "".join(output))):
        assert process.poll() is None, "".join(output)
        assert monotonic() < end, "".join(output)
        sleep(0.1)
    return match[1]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=chromium, args=arguments)) as browser,
    ):
        yield browser


@dataclass
class Visit:
    """A browser page and the errors of its console, except those that `expected_errors` matches."""

    page: Page
    stack: Stack
    console_errors: list[str] = field(default_factory=list)
    expected_errors: str = r"\A\Z"

    def open(self, path: str) -> None:
        self.page.goto(self.stack.url + path)

    def sign_in(self, key: str | None = None, at: str = "/action-centre") -> None:
        """Sign in through the API with the demo company's key or another one, open a view and wait for its heading."""
        credentials = {"key": key or self.stack.key}
        assert self.page.context.request.post(f"{self.stack.url}/v1/session", data=credentials).ok
        self.open(at)
        self.page.get_by_role("heading", level=1).wait_for()

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search(self.expected_errors, message.text):
            self.console_errors.append(message.text)


@pytest.fixture
def make_visit(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visit]]:
    """Open pages in fresh browser contexts, and fail on console errors, exceptions and CSP violations."""
    visits: list[Visit] = []

    def create(**options: Any) -> Visit:
        context = browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **options})
        context.set_default_timeout(15_000)
        visit = Visit(context.new_page(), stack)
        visit.page.on("console", visit.on_console)
        visit.page.on("pageerror", lambda error: visit.console_errors.append(str(error)))
        visits.append(visit)
        return visit

    yield create
    for visit in visits:
        visit.page.context.close()
    assert [error for visit in visits for error in visit.console_errors] == []


@pytest.fixture
def visit(make_visit: Callable[..., Visit]) -> Visit:
    return make_visit()
