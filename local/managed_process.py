"""One supervised process: in a session of its own, gone when its parent is, ready only when it really answers."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio

TETHER = Path(__file__).with_name("parent_death.py")
LOOK_AGAIN = 0.05  # seconds between two looks while a part comes up


class StartFailed(RuntimeError):
    """A part did not come up; the message holds its last lines."""


class Child:
    """A process that is started, watched and ended by this one.

    Started from the main thread only: the kernel's death signal follows the thread that forked, not the process. Ctrl-C
    in the terminal does not reach it (`start_new_session`). It can be killed and started again any number of times.
    """

    start_limit = 60.0  # seconds until it must answer
    stop_limit = 15.0  # seconds from the stop signal to SIGKILL
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGKILL  # what the kernel sends it when this process dies
    user: str | None = None  # the system user it runs as, when not this one

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        sink: Callable[[str, str], None] | None = None,
    ) -> None:
        """`env`: its whole environment (None: this one's); `sink(name, line)` gets its output, from a thread."""
        self.name = name
        self.argv = list(argv)
        self.env = None if env is None else dict(env)
        self.sink = sink
        self.tail: deque[str] = deque(maxlen=20)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running (or last) process; RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def prepare(self) -> None:
        """What must be done before each start; nothing by default."""

    async def answers(self) -> bool:
        """Whether the part does its work now. May raise anything: that counts as no."""
        return True

    async def start(self) -> None:
        """Start it and return when it answers. Raises StartFailed when it ends before that or takes too long."""
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
                except Exception as error:  # noqa: BLE001 - "not yet" has as many forms as parts; it is kept and told
                    problem = f"{type(error).__name__}: {error}"
                await anyio.sleep(LOOK_AGAIN)
        if self.running:
            reason = f"did not answer within {self.start_limit:.0f} s ({problem})"
            await self.stop()
        else:
            reason = f"ended with code {await self.exited()} while starting"
        self._drained()
        raise StartFailed("\n  ".join([f"{self.name} {reason}; its last lines:", *self.tail]))

    def spawn(self) -> None:
        """Start the process and return at once."""
        self.tail.clear()
        launcher = [sys.executable, "-I", "-S", str(TETHER)]
        launcher += [str(int(self.death_signal)), str(os.getpid()), self.user or ""]
        self._process = subprocess.Popen(
            [*launcher, *self.argv],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # A thread, so that the pipe is read whichever event loop runs or none: a full pipe would stop the child.
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for raw in stream:
                if line := raw.decode(errors="replace").rstrip():
                    self.tail.append(line)
                    if self.sink is not None:
                        self.sink(self.name, line)

    def _drained(self) -> None:
        """Let the reader finish the last lines; a grandchild that holds the pipe is not waited for."""
        if self._reader is not None:
            self._reader.join(1)

    async def exited(self) -> int:
        """Wait until the process has ended; its exit code, or minus the signal that ended it."""
        process = self.process
        if process.poll() is None and sys.platform == "linux":
            descriptor = os.pidfd_open(process.pid)
            try:
                while process.poll() is None:
                    await anyio.wait_readable(descriptor)
            finally:
                os.close(descriptor)
        while (code := process.poll()) is None:
            await anyio.sleep(LOOK_AGAIN)
        return code

    def kill(self) -> None:
        """SIGKILL to its process group, as a crash would be, and wait for its end; no effect when it does not run."""
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    async def stop(self) -> int | None:
        """Ask it to end, wait, and kill it when it does not; the exit code, None when it was never started."""
        if self._process is None:
            return None
        with anyio.CancelScope(shield=True):
            if self.running:
                self.process.send_signal(self.stop_signal)
                with anyio.move_on_after(self.stop_limit):
                    await self.exited()
                self.kill()
        return self.process.wait()
