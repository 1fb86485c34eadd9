"""The local stack behind ``journey up``: every service of one machine, started in order.

Postgres → Temporal → migrations → worker → gateway, stopped in reverse order. What the environment already names
(`DATABASE_URL`, `TEMPORAL_ADDRESS`) is used instead of the embedded one.
"""

import os
from functools import partial
from pathlib import Path

import anyio
import psycopg
import sqlalchemy.exc
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

import connection
from activities.channels.registry import unconfigured_channels
from contracts.encryption import EncryptionKeys
from db.operations.demo import DemoCompany
from db.schema.migrate import upgrade
from local import dashboard_build, data_folder, ui_codec
from local.console import Console
from local.demo import filling
from local.demo.trickle import trickle
from local.embedded import Postgres, Temporal, free_port, missing_search_attributes
from local.first_run import KEY_FILE, admin_key, encryption_key, link_secret, sign_in_token, sign_in_url
from local.managed_process import StartFailed
from local.services import Gateway, Worker
from local.supervisor import Supervisor, supervised
from local.ui_guard import hidden_address, serve_guard

TEMPORAL_PORT, TEMPORAL_UI_PORT = 7233, 8233
# The embedded Postgres would log errors that the client receives anyway; `up` itself reports its exit.
QUIET = {"log_min_messages": "fatal"}
PUBLISHED = (
    "DATABASE_URL",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_CONFIG_FILE",
    "PUBLIC_URL",
    "OUTBOX",
    "ENCRYPTION_KEYS",
)


async def run_stack(
    data: Path, port: int, console: Console, *, owner_url: str, dashboard: Path | None, demo: bool
) -> None:
    """Start all services, print the banner, and return after Ctrl-C, when all have stopped.

    Args:
        data: the data folder, absolute and locked by this process.
        port: the preferred port of the gateway; the next free one is taken when it is in use.
        console: where progress, the services' output and the banner go.
        owner_url: the database owner's URL, used when the environment names a Postgres.
        dashboard: the folder of the built dashboard, which is built when it is missing or outdated; None: not built.
        demo: fill an empty system with the demo company, and keep events coming.

    Raises:
        ExceptionGroup: of StartFailed or GaveUp, when a service cannot run; all services have stopped by then.
    """
    stack = LocalStack(data, free_port(port), console, dashboard=dashboard, demo=demo)
    try:
        async with supervised(console.say) as supervisor:
            await stack.start(supervisor, owner_url)
            notes = [f"Port {port} was in use."] if stack.port != port else []
            notes += ["This setup is for a single machine. docs/production.md describes larger ones."]
            console.banner("Everything is running", stack.rows, notes)
            await stack.keep_running()
    finally:
        console.muted = True
        (data / data_folder.ADDRESSES).unlink(missing_ok=True)


class LocalStack:
    """The services of one machine. `environment` is what worker and gateway get, `rows` the lines of the banner."""

    def __init__(self, data: Path, port: int, console: Console, *, dashboard: Path | None, demo: bool) -> None:
        self.data = data
        self.port = port
        self.console = console
        self.dashboard = dashboard
        self.demo = demo
        self.demo_company: DemoCompany | None = None
        self.key: str | None = None
        self.environment = dict(os.environ)
        self.rows: list[tuple[str, str]] = []

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, supervisor: Supervisor, owner_url: str) -> None:
        """Start the services in order, each ready before the next one starts, and fill in the demo company."""
        self._set_defaults()
        self.rows = [("API", f"{self.gateway_url}/v1"), ("API docs", f"{self.gateway_url}/docs")]
        owner_url = await self._start_postgres(supervisor) or owner_url
        client = await self._start_temporal(supervisor)
        with self.console.step("database schema"):
            self.key = await self._migrate(owner_url)
        published = {name: self.environment[name] for name in PUBLISHED if name in self.environment}
        data_folder.publish(self.data, published)
        no_dashboard = await self._build_dashboard()
        with self.console.step("worker"):
            await supervisor.add(Worker(client, self.environment, self.console.line))
        with self.console.step("gateway"):
            await supervisor.add(Gateway(self.port, self.environment, self.console.line))
        if self.demo:
            await self._fill_demo(owner_url)
        self.rows.insert(0, ("Dashboard", no_dashboard or await self._sign_in_link(owner_url)))
        self.rows += [
            ("Data folder", str(self.data)),
            *self._outbox_row(),
            ("API key", self._shown_key()),
            ("Stop", "Ctrl-C"),
        ]

    async def keep_running(self) -> None:
        """Wait until cancelled; with the demo company, send events for it meanwhile."""
        if self.demo_company and self.key:
            customers = filling.customers_of(self.demo_company)
            await trickle(self.gateway_url, self.key, self.demo_company.seed, customers)
        await anyio.sleep_forever()

    def _set_defaults(self) -> None:
        defaults = {
            "PUBLIC_URL": self.gateway_url,
            "PYTHONUNBUFFERED": "1",  # show each line as soon as it is written
            "OUTBOX": str(self.data / "outbox"),
            "LINK_SECRET": link_secret(self.data),
            "KEY_CACHE": str(self.data / "key-cache"),
        }
        if "TEMPORAL_ADDRESS" not in os.environ:  # processes that share another Temporal have to share its keys
            defaults["ENCRYPTION_KEYS"] = encryption_key(self.data)
        if self.console.console.is_terminal:
            defaults["LOG_FORMAT"] = "console"  # the services write to a pipe, but a person reads them
        for name, value in defaults.items():
            self.environment.setdefault(name, value)

    async def _start_postgres(self, supervisor: Supervisor) -> str | None:
        """Start the embedded Postgres and return its URL; None when the environment names another one."""
        if "DATABASE_URL" in os.environ:
            return None
        postgres = Postgres(self.data, settings=QUIET, sink=self.console.line)
        with self.console.step("postgres"):
            await supervisor.add(postgres)
        self.environment.pop("MIGRATION_DATABASE_URL", None)
        self.environment["DATABASE_URL"] = postgres.url
        return postgres.url

    async def _start_temporal(self, supervisor: Supervisor) -> Client:
        """Start the embedded Temporal, or connect to the one that the environment names."""
        if "TEMPORAL_ADDRESS" in os.environ:
            return await _external_temporal()
        ui, ui_port = hidden_address(), free_port(TEMPORAL_UI_PORT)
        ui_url = f"http://127.0.0.1:{ui_port}"
        keys = self.environment.get("ENCRYPTION_KEYS")
        temporal = Temporal(self.data, port=free_port(TEMPORAL_PORT), ui_address=ui, sink=self.console.line)
        if keys:
            temporal.argv += ["--ui-codec-endpoint", ui_url + ui_codec.PATH]
        with self.console.step("temporal"):
            await supervisor.add(temporal)
            guard = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=ui_port)
            supervisor.run(partial(serve_guard, guard, ui, EncryptionKeys.parse(keys) if keys else None))
        # Credentials and profiles of another Temporal must not be sent to this one.
        for name in [name for name in self.environment if name.startswith("TEMPORAL_")]:
            del self.environment[name]
        self.environment |= {"TEMPORAL_ADDRESS": temporal.address, "TEMPORAL_NAMESPACE": "default"}
        self.environment |= {"TEMPORAL_CONFIG_FILE": os.devnull, "TEMPORAL_UI_URL": ui_url}
        self.rows.append(("Temporal UI", ui_url))
        converter = connection.converter(keys)
        return await Client.connect(temporal.address, data_converter=converter)

    async def _migrate(self, owner_url: str) -> str | None:
        """Migrate the schema, create company 1 in a new system, and return the admin key."""
        try:
            for revision in await anyio.to_thread.run_sync(upgrade, owner_url):
                self.console.say(f"migration {revision} applied")
            return await admin_key(self.data, owner_url, may_create="DATABASE_URL" not in os.environ)
        except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
            raise StartFailed(f"the database schema could not be migrated: {error}") from error

    async def _build_dashboard(self) -> str | None:
        """Build the dashboard if necessary; the reason when there is none, otherwise None."""
        if self.dashboard is None:
            return "not built (--no-dashboard)"
        if not dashboard_build.has_sources():
            return None if (self.dashboard / "index.html").is_file() else dashboard_build.HOW_TO_GET
        if dashboard_build.is_current():
            return None
        try:
            with self.console.step("dashboard (the first build takes a minute)"):
                await anyio.to_thread.run_sync(dashboard_build.build, self.console.say, abandon_on_cancel=True)
        except dashboard_build.BuildFailed as error:
            self.console.error(f"The dashboard could not be built: {error}")
            return "could not be built; see the error above"
        return None

    async def _fill_demo(self, owner_url: str) -> None:
        """Import the demo company into an empty system."""
        if self.key is None:
            self.console.say("--demo needs an API key, and none is stored in this data folder")
            return
        self.demo_company = await filling.claimed(owner_url, self.console.say)
        if self.demo_company and not self.demo_company.filled:
            with self.console.step("demo company (14 months of 400 customers, takes half a minute)"):
                await filling.fill(
                    self.demo_company, owner_url, self.gateway_url, self.key, self.data, self.environment
                )

    async def _sign_in_link(self, owner_url: str) -> str:
        """The dashboard's address, with a one-time sign-in token where there is a key."""
        url = self.environment["PUBLIC_URL"]
        token = self.key and await sign_in_token(owner_url, self.key)
        return sign_in_url(url, token) if token else url

    def _shown_key(self) -> str:
        """The key on a terminal; elsewhere, where the output may be logged, the file that contains it."""
        if self.key is None:
            return "not stored here; create one with `journey keys create`"
        # not `is_terminal`, which FORCE_COLOR sets too
        return self.key if self.console.console.file.isatty() else f"in {self.data / KEY_FILE}"

    def _outbox_row(self) -> list[tuple[str, str]]:
        """Where messages are saved for which no server is configured."""
        settings = {name.lower(): value for name, value in self.environment.items()}
        kinds = [channel.messages for channel in unconfigured_channels(settings)]
        saved = f"{self.environment['OUTBOX']} ({' and '.join(kinds)} are saved here, not sent)"
        return [("Outbox", saved)] if kinds else []


async def _external_temporal() -> Client:
    """Connect to the Temporal of `TEMPORAL_ADDRESS` and register missing search attributes. Raises StartFailed."""
    try:
        client = await connection.connect()
        if missing := await missing_search_attributes(client):
            request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            await client.operator_service.add_search_attributes(request)
    except (RuntimeError, RPCError) as error:
        raise StartFailed(f"Temporal at TEMPORAL_ADDRESS: {error}") from error
    return client
