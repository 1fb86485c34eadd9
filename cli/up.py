"""`journey up`: everything on one machine, in order, with a banner when all of it is ready.

Postgres → Temporal → migrations → worker → gateway; stopped the other way round. What the environment names already
(`DATABASE_URL`, `TEMPORAL_ADDRESS`) is used and not embedded.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import anyio
import psycopg
import sqlalchemy.exc
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

import connection
from cli.admin import sign_in_url
from db.operations.demo import Demo
from db.schema.migrate import upgrade
from local import dashboard_build, data_folder
from local.console import Screen
from local.demo import filling
from local.demo.trickle import trickle
from local.embedded import Postgres, Temporal, free_port, missing_search_attributes
from local.first_run import admin_key, link_secret, sign_in_token
from local.managed_process import StartFailed
from local.services import Gateway, Worker
from local.supervisor import GaveUp, Supervisor, supervised
from settings import Settings, read_settings

TEMPORAL_PORT, TEMPORAL_UI_PORT = 7233, 8233
# The embedded Postgres tells in its log what the statement's sender is told anyway; its end is told by `up`.
QUIET = {"log_min_messages": "fatal"}


def up_command(data: Path, port: int, *, dashboard: bool, demo: bool) -> None:
    """Run everything until Ctrl-C, then return. Raises SystemExit(1), after saying why, when a part cannot run."""
    screen = Screen()
    try:
        with data_folder.locked(data):
            anyio.run(up, data.resolve(), port, screen, dashboard, demo)
    except* (data_folder.FolderInUseError, StartFailed, GaveUp, OSError) as group:
        screen.error("\n".join(_messages(group)))
        raise SystemExit(1) from None


async def up(data: Path, port: int, screen: Screen, dashboard: bool, demo: bool) -> None:
    """The parts in order, each ready before the next, then the banner; returns after Ctrl-C when all have stopped.

    Raises an ExceptionGroup of StartFailed or GaveUp when a part cannot run; all have stopped then, too.
    """
    settings = read_settings()
    machine = Machine(data, free_port(port), screen, dashboard=dashboard, demo=demo)
    try:
        async with supervised(screen.say) as supervisor:
            await machine.start(supervisor, settings)
            notes = [f"Port {port} was taken."] if machine.port != port else []
            notes += ["This is for one machine; docs/production.md says how to run on more."]
            screen.banner("Everything is running", machine.rows, notes)
            await machine.live()
    finally:
        screen.muted = True
        (data / data_folder.ADDRESSES).unlink(missing_ok=True)


class Machine:
    """One machine's parts and the way to them: `environment` is what worker and gateway get, `rows` the banner's."""

    def __init__(self, data: Path, port: int, screen: Screen, *, dashboard: bool, demo: bool) -> None:
        self.dashboard, self.demo = dashboard, demo
        self.invented: Demo | None = None
        self.key: str | None = None
        self.data = data
        self.port = port
        self.screen = screen
        self.environment = dict(os.environ)
        self.rows: list[tuple[str, str]] = []

    async def start(self, supervisor: Supervisor, settings: Settings) -> None:
        url = self.local
        self.environment.setdefault("PUBLIC_URL", url)
        self.environment.setdefault("PYTHONUNBUFFERED", "1")  # a line is shown when it is written
        if self.screen.console.is_terminal:
            self.environment.setdefault(
                "LOG_FORMAT", "console"
            )  # the parts see a pipe, their reader sits at a terminal
        self.rows = [("API", f"{url}/v1"), ("API docs", f"{url}/docs")]
        self.environment.setdefault("OUTBOX", str(self.data / "outbox"))
        self.environment.setdefault("LINK_SECRET", link_secret(self.data))
        owner_url = await self.postgres(supervisor) or settings.owner_url
        client = await self.temporal(supervisor)
        with self.screen.step("the schema"):
            self.key = await self.schema(owner_url)
        names = (
            "DATABASE_URL",
            "TEMPORAL_ADDRESS",
            "TEMPORAL_NAMESPACE",
            "TEMPORAL_CONFIG_FILE",
            "PUBLIC_URL",
            "OUTBOX",
        )
        data_folder.publish(self.data, {name: self.environment[name] for name in names if name in self.environment})
        unbuilt = await self.build()
        with self.screen.step("worker"):
            await supervisor.add(Worker(client, self.environment, self.screen.line))
        with self.screen.step("gateway"):
            await supervisor.add(Gateway(self.port, self.environment, self.screen.line))
        if self.demo:
            await self.fill(owner_url)
        self.rows.insert(0, ("Dashboard", unbuilt or await self.link(owner_url)))
        self.rows += [
            ("Data folder", str(self.data)),
            *self.outbox(),
            ("API key", self.key or "none is kept here; `journey keys create` makes one"),
            ("Stop", "Ctrl-C"),
        ]

    async def build(self) -> str | None:
        """Build the dashboard if need be; why there is none, or None."""
        if not self.dashboard:
            return "not asked for (--no-dashboard)"
        if dashboard_build.is_current():
            return None
        try:
            with self.screen.step("the dashboard (the first time takes a minute)"):
                await anyio.to_thread.run_sync(dashboard_build.build, self.screen.say, abandon_on_cancel=True)
        except dashboard_build.BuildFailed as error:
            self.screen.error(f"the dashboard could not be built: {error}")
            return "could not be built; the reason stands above"
        return None

    async def fill(self, owner_url: str) -> None:
        """Bring the invented company into an empty system."""
        if self.key is None:
            self.screen.say("--demo needs the key of a company, and none is kept here")
            return
        self.invented = await filling.claimed(owner_url, self.screen.say)
        if self.invented and not self.invented.filled:
            with self.screen.step("the invented company (14 months of 400 customers; half a minute)"):
                await filling.fill(self.invented, owner_url, self.local, self.key, self.data, self.environment)

    async def live(self) -> None:
        """Until cancelled: with the invented company, things go on happening in it."""
        if self.invented and self.key:
            await trickle(self.local, self.key, self.invented.seed, filling.customers_of(self.invented))
        await anyio.sleep_forever()

    async def link(self, owner_url: str) -> str:
        """Where the dashboard is, signed in once."""
        url = self.environment["PUBLIC_URL"]
        token = self.key and await sign_in_token(owner_url, self.key)
        return sign_in_url(url, token) if token else url

    @property
    def local(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def outbox(self) -> list[tuple[str, str]]:
        """Where messages stay that have no server to go to."""
        kinds = [kind for kind, name in (("mails", "SMTP_URL"), ("SMS", "SMS_URL")) if not self.environment.get(name)]
        return (
            [("Outbox", f"{self.environment['OUTBOX']} keeps all {' and '.join(kinds)}: none is sent")] if kinds else []
        )

    async def postgres(self, supervisor: Supervisor) -> str | None:
        """The URL of the embedded Postgres, started; None when the environment names another."""
        if "DATABASE_URL" in os.environ:
            return None
        part = Postgres(self.data, settings=QUIET, sink=self.screen.line)
        with self.screen.step("postgres"):
            await supervisor.add(part)
        self.environment.pop("MIGRATION_DATABASE_URL", None)
        self.environment["DATABASE_URL"] = part.url
        return part.url

    async def temporal(self, supervisor: Supervisor) -> Client:
        """A client of the embedded Temporal, started, or of the one that the environment names."""
        if "TEMPORAL_ADDRESS" in os.environ:
            try:
                client = await connection.connect()
                if missing := await missing_search_attributes(client):
                    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
                    await client.operator_service.add_search_attributes(request)
            except (RuntimeError, RPCError) as error:
                raise StartFailed(f"the Temporal of TEMPORAL_ADDRESS: {error}") from error
            return client
        ui_port = free_port(TEMPORAL_UI_PORT)
        part = Temporal(self.data, port=free_port(TEMPORAL_PORT), ui_port=ui_port, sink=self.screen.line)
        with self.screen.step("temporal"):
            await supervisor.add(part)
        # Credentials and profiles of another Temporal must not be shown to this one.
        for name in [name for name in self.environment if name.startswith("TEMPORAL_")]:
            del self.environment[name]
        ui = f"http://127.0.0.1:{ui_port}"
        self.environment |= {"TEMPORAL_ADDRESS": part.address, "TEMPORAL_NAMESPACE": "default"}
        self.environment |= {"TEMPORAL_CONFIG_FILE": os.devnull, "TEMPORAL_UI_URL": ui}
        self.rows.append(("Temporal UI", ui))
        return await Client.connect(part.address, data_converter=connection.CONVERTER)

    async def schema(self, owner_url: str) -> str | None:
        """The schema at its newest revision, and in a new system company 1; the admin key."""
        try:
            for revision in await anyio.to_thread.run_sync(upgrade, owner_url):
                self.screen.say(f"migration {revision} applied")
            return await admin_key(self.data, owner_url, ours="DATABASE_URL" not in os.environ)
        except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
            raise StartFailed(f"the schema could not be made: {error}") from error


def _messages(group: BaseExceptionGroup[BaseException]) -> Iterable[str]:
    for problem in group.exceptions:
        if isinstance(problem, BaseExceptionGroup):
            yield from _messages(problem)
        else:
            yield str(problem)
