"""A child process that dies with its parent, and counts as started only once it answers."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio

LAUNCHER = Path(__file__).with_name("parent_death.py")
POLL_INTERVAL = 0.05  # seconds between two readiness checks


class StartFailed(RuntimeError):
    """A service did not start; the message holds its last lines of output."""


class ManagedProcess:
    """A process that this one starts, watches and stops.

    Start it from the main thread only: the kernel ties the death signal to the thread that forked, not to the process.
    Ctrl-C in the terminal does not reach it (`start_new_session`). It can be killed and restarted any number of times.
    """

    start_limit = 60.0  # seconds until it must be ready
    stop_limit = 15.0  # seconds from the stop signal to SIGKILL
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGKILL  # what the kernel sends it when this process dies
    user: str | None = None  # the system user it runs as, when not this one
    hidden_output: tuple[str, ...] = ()  # endings of lines that do not go to the sink

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        sink: Callable[[str, str], None] | None = None,
    ) -> None:
        """Define the process without starting it.

        Args:
            name: prefixes its output and appears in messages.
            argv: program and arguments.
            env: its whole environment; None: this process's.
            sink: called as `sink(name, line)` with each line of its output, from another thread.
        """
        self.name = name
        self.argv = list(argv)
        self.env = None if env is None else dict(env)
        self.sink = sink
        self.tail: deque[str] = deque(maxlen=20)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running or last process. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def prepare(self) -> None:
        """Hook that runs before each start; does nothing by default."""

    async def answers(self) -> bool:
        """Whether the service is ready. An exception of any kind counts as no."""
        return True

    async def start(self) -> None:
        """Start the process and return when it is ready. Raises StartFailed if it exits or takes too long."""
        if self.running:
            return
        await self.prepare()
        self.spawn()
        problem = "no answer"
        with anyio.move_on_after(self.start_limit):
            while self.running:
                try:
                    if await self.answers():
                        return
                except Exception as error:  # noqa: BLE001 - every service fails differently before it is ready; the last error is reported
                    problem = f"{type(error).__name__}: {error}"
                await anyio.sleep(POLL_INTERVAL)
        if self.running:
            reason = f"was not ready within {self.start_limit:.0f} s ({problem})"
            await self.stop()
        else:
            reason = f"exited with code {await self.exited()} while starting"
        raise StartFailed("\n  ".join([f"{self.name} {reason}; last output:", *self.last_output()]))

    def spawn(self) -> None:
        """Start the process without waiting until it is ready."""
        self.tail.clear()
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
        launcher += [str(int(self.death_signal)), str(os.getpid()), self.user or ""]
        self._process = subprocess.Popen(
            [*launcher, *self.argv],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # A thread reads the pipe whether or not an event loop runs: a full pipe would block the child.
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for raw in stream:
                if line := raw.decode(errors="replace").rstrip():
                    self.tail.append(line)
                    if self.sink is not None and not line.endswith(self.hidden_output):
                        self.sink(self.name, line)

    def last_output(self) -> list[str]:
        """Return the last lines of a process that has exited, after letting the reader finish.

        Does not wait for a grandchild that holds the pipe open.
        """
        if self._reader is not None:
            self._reader.join(1)
        return list(self.tail)

    async def exited(self) -> int:
        """Wait until the process has exited. Returns its exit code, or the negated signal number."""
        process = self.process
        if process.poll() is None and sys.platform == "linux":
            descriptor = os.pidfd_open(process.pid)
            try:
                while process.poll() is None:
                    await anyio.wait_readable(descriptor)
            finally:
                os.close(descriptor)
        while (code := process.poll()) is None:
            await anyio.sleep(POLL_INTERVAL)
        return code

    def kill(self) -> None:
        """Send SIGKILL to its process group, as in a crash, and wait for its end. No effect if not running."""
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    async def stop(self) -> int | None:
        """Send the stop signal, wait, and kill it after `stop_limit`. Returns the exit code, None if never started."""
        if self._process is None:
            return None
        with anyio.CancelScope(shield=True):
            if self.running:
                self.process.send_signal(self.stop_signal)
                with anyio.move_on_after(self.stop_limit):
                    await self.exited()
                self.kill()
        return self.process.wait()
