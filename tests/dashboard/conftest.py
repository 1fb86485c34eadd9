"""The dashboard in a real browser before the real system: `./run up --demo`, started once for all of these tests.

Playwright itself is taken, not its pytest plugin: the plugin keeps an event loop for the whole run, in which no
asynchronous test of other rooms could run. Here each module has a browser of its own.
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
from local.embedded import free_port

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = (
    "no Chromium is found: `apt-get install chromium` as root (any of " + ", ".join(NAMES) + " in the PATH will do)"
)
Made = TypeVar("Made")
START_LIMIT = 420.0  # seconds: the first start installs and builds the dashboard
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}


@dataclass
class Stack:
    """A running `up --demo`: where it is, the demo company's key, and the process."""

    url: str
    link: str
    key: str
    database_url: str
    process: subprocess.Popen[str]
    output: list[str]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        with self.client() as client:
            answer = client.request(method, path, **more)
            assert answer.status_code < 300, answer.text
            return answer.json()

    def happens(self, customer: str, kind: str = "appointment.completed", **fields: Any) -> None:
        """An event of now, until it is applied."""
        at = (datetime.now(UTC) - timedelta(seconds=2)).isoformat()
        fields = {"amount": "50.00"} | fields if kind == "appointment.completed" else fields
        event = {"id": uuid.uuid4().hex, "type": kind, "customer_id": customer, "occurred_at": at, **fields}
        (outcome,) = self.ask("POST", "/v1/events?wait=10", json=event)["outcomes"]
        assert outcome["outcome"] == "applied"

    def company(self, name: str) -> tuple[int, str]:
        """Another company, with a key of every scope."""

        async def make() -> tuple[int, str]:
            async with owner_connection(self.database_url) as connection:
                made = await companies.create(connection, name, "USD")
                return made, (await api_keys.create(connection, made, "test", api_keys.SCOPES))[1]

        return _apart(make)

    def another_key(self, *scopes: str) -> str:
        async def make() -> str:
            async with owner_connection(self.database_url) as connection:
                return (await api_keys.create(connection, 1, "reader", scopes))[1]

        return _apart(make)

    def execute(self, statement: str, *params: object) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement.encode(), params)

    def kill_gateway(self) -> None:
        """As a crash would: the supervisor starts it again."""
        parent = self.process.pid
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if b"\0gateway\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
                return
        raise AssertionError("no gateway among the parts")


def _apart(make: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
    """What a coroutine returns, in a thread of its own: the browser's driver has an event loop in this one."""
    found: list[Made] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(make())))
    thread.start()
    thread.join()
    return found[0]


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
    """The whole system with the invented company and the built dashboard."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "TEMPORAL_ADDRESS")}
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        data = Path(folder) / "data"
        argv = [services.JOURNEY, "up", "--demo", "--data", str(data), "--port", str(free_port(21_000))]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=kept)
        output: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(target=lambda: output.extend(process.stdout or ()), daemon=True)
        reader.start()
        try:
            link = _until(process, output, r"Dashboard: (http\S+)")
            key = _until(process, output, r"API key: (pk_\S+)")
            url = link.partition("/sign-in")[0]
            yield Stack(url, link, key, data_folder.environment(data)["DATABASE_URL"], process, output)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _until(process: subprocess.Popen[str], output: list[str], pattern: str) -> str:
    end = monotonic() + START_LIMIT
    while not (found := re.search(pattern, "".join(output))):
        assert process.poll() is None, "".join(output)
        assert monotonic() < end, "".join(output)
        sleep(0.1)
    return found[1]


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
    """A page, and what its console complained of; what `expected` matches is no complaint."""

    page: Page
    stack: Stack
    complaints: list[str] = field(default_factory=list)
    expected: str = r"\A\Z"

    def open(self, path: str) -> None:
        self.page.goto(self.stack.url + path)

    def sign_in(self, key: str | None = None, at: str = "/action-centre") -> None:
        """As the demo company's key or another one, by the gateway itself; then to a view, until it has its title."""
        proof = {"key": key or self.stack.key}
        assert self.page.context.request.post(f"{self.stack.url}/v1/session", data=proof).ok
        self.open(at)
        self.page.get_by_role("heading", level=1).wait_for()

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search(self.expected, message.text):
            self.complaints.append(message.text)


@pytest.fixture
def visits(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visit]]:
    """Opens a page in a browser that knows nobody. No console error, no exception and no breach of the policy in it."""
    made: list[Visit] = []

    def visit(**options: Any) -> Visit:
        context = browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **options})
        context.set_default_timeout(15_000)
        found = Visit(context.new_page(), stack)
        found.page.on("console", found.heard)
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        made.append(found)
        return found

    yield visit
    for one in made:
        one.page.context.close()
    assert [complaint for one in made for complaint in one.complaints] == []


@pytest.fixture
def visit(visits: Callable[..., Visit]) -> Visit:
    return visits()
