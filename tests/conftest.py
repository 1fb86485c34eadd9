"""Postgres and Temporal, shared by all tests of a process, and the order in which parallel processes get the tests.

Tests of the same process are kept apart by company: each creates its own.
"""

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from xdist.remote import Producer  # type: ignore[import-untyped]  # ships no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # the same
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # the same

from db.schema.migrate import upgrade
from local.embedded import Postgres, Temporal, free_port, running

# Several processes of the tests share the cores, and threads of numpy wait for each other in busy loops: two thirds of
# the processor time of a fit. Read when numpy is imported, also by the processes that tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

NewDatabase = Callable[..., str]

#: tests that share `up --demo` with its default ports and the built dashboard: they all run in one process
BROWSER_TESTS = "tests/dashboard/"
#: file → seconds, of an earlier run; written by `--record-durations`
DURATIONS = Path(__file__).with_name("durations.json")
UNKNOWN_DURATION = 1.0  # for each test of a file that was not in that run
#: Temporal deletes a workflow only when it has noted that its other tasks are done; by default every 30 seconds
PROMPT_DELETION = {
    "history.transferProcessorUpdateAckInterval": "1s",
    "history.visibilityProcessorUpdateAckInterval": "1s",
}


def scope_of(nodeid: str) -> str:
    """The unit that stays in one process: a file, because its tests share fixtures, or all browser tests."""
    return "browser tests" if nodeid.startswith(BROWSER_TESTS) else nodeid.partition("::")[0]


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]  # ships no types
    """Hand out whole files, those that took longest in the recorded run first, so that all processes end together."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self.expected: dict[str, float] = {}
        for file, seconds in json.loads(DURATIONS.read_text()).items():
            self.expected[scope_of(file)] = self.expected.get(scope_of(file), 0.0) + seconds

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = max(
            self.workqueue,
            key=lambda scope: self.expected.get(scope, UNKNOWN_DURATION * len(self.workqueue[scope])),
        )
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


class DurationRecorder:
    """Write what each file took, its fixtures included, for the next run's order."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_sessionfinish(self) -> None:
        recorded = {file: round(seconds, 1) for file, seconds in sorted(self.seconds.items())}
        DURATIONS.write_text(json.dumps(recorded, indent=1) + "\n")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-servers", action="store_true", help="fail the tests that need Postgres or Temporal")
    parser.addoption("--record-durations", action="store_true", help="after a run of all tests: write durations.json")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--record-durations") and "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(DurationRecorder())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LongestFirst:
    return LongestFirst(config, log)


@pytest.fixture(scope="session")
def servers_allowed(pytestconfig: pytest.Config) -> None:
    """Fail if this run must not start servers."""
    if pytestconfig.getoption("--no-servers"):
        pytest.fail("this test starts a server: take it out of QUICK_TESTS in `run`")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(servers_allowed: None) -> AsyncIterator[str]:
    """The URL of an empty database in a fresh cluster, as its superuser. No migration has run."""
    # Not pytest's own folder: a socket's path must be short. No fsync: these clusters need not survive a crash.
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder), settings={"fsync": "off"})) as postgres:
            yield postgres.url


@pytest.fixture(scope="session")
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    """Create a database, empty or a copy of `template`; returns its superuser URL. Dropped at the end of the run."""
    created: list[str] = []

    def make(*, template: str = "template1", owner: str = "postgres") -> str:
        name = f"db_{uuid4().hex}"
        statement = sql.SQL("create database {} template {} owner {}").format(
            *map(sql.Identifier, (name, template, owner))
        )
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(statement)
        created.append(name)
        return urlsplit(postgres_url)._replace(path=f"/{name}").geturl()

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for name in created:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def migrated_template(new_database: NewDatabase) -> str:
    """The name of a database with the newest schema and no rows."""
    url = new_database()
    upgrade(url)
    return urlsplit(url).path[1:]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_address(servers_allowed: None) -> AsyncIterator[str]:
    """The address of a fresh Temporal server with the search attributes of a journey, namespace `default`."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Temporal(Path(folder), port=free_port(), dynamic=PROMPT_DELETION)) as temporal:
            yield temporal.address
