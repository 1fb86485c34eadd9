"""`journey`, forked from a process that has imported every command, which saves each run a second of imports.

Everything else is as in a process of its own: arguments, environment, standard streams, exit code.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_REQUEST = 1 << 20  # bytes


class ForkingJourney:
    """The process that forks, from the side of the tests."""

    def __init__(self, address: str) -> None:
        self._address = address

    def run(self, words: Sequence[str], environment: Mapping[str, str], stdin: bytes | None) -> tuple[int, str, str]:
        """Exit code (negative: the signal), standard output, standard error. Raises TimeoutError after two minutes."""
        with ExitStack() as stack:
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            given.write(stdin or b"")
            given.seek(0)
            connection.settimeout(120)
            connection.connect(self._address)
            request = json.dumps([list(words), dict(environment)]).encode()
            socket.send_fds(connection, [request], [given.fileno(), out.fileno(), err.fileno()])
            connection.shutdown(socket.SHUT_WR)
            code = os.waitstatus_to_exitcode(int(connection.recv(100)))
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()


@contextmanager
def forking_journey(environment: Mapping[str, str]) -> Iterator[ForkingJourney]:
    """Start the process that forks; it ends with the block, or with this process."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        argv = [sys.executable, "-m", "tests.cli.forking_journey", f"{folder}/socket"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=ROOT)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield ForkingJourney(f"{folder}/socket")
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(30)


def _serve(address: str) -> None:
    from cli.main import MODULES, load

    for name in MODULES:
        load(name)
    gc.freeze()  # a collection in a fork would copy every page of the imported modules
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while server in select.select([server, sys.stdin], [], [])[0]:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(connection)
                os._exit(0)
            connection.close()


def _answer(connection: socket.socket) -> None:
    request, files, _, _ = socket.recv_fds(connection, MAX_REQUEST, 3)
    while part := connection.recv(MAX_REQUEST):
        request += part
    words, environment = json.loads(request)
    child = os.fork()
    if child == 0:
        connection.close()
        _become(words, environment, files)
    connection.sendall(str(os.waitpid(child, 0)[1]).encode())


def _become(words: list[str], environment: dict[str, str], files: list[int]) -> None:
    """Run the command as this process. Never returns."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["journey", *words]
    code: object = 1
    try:
        from cli.main import app

        code = app()
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:  # noqa: BLE001  # as the interpreter reports it
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    _serve(sys.argv[1])
