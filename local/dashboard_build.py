"""Build the dashboard when it is missing or outdated, with this machine's Node or one from PyPI.

A hash of all sources, saved next to the result, shows whether the build is current.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "dashboard"
NODE_LOCK = ROOT / "requirements-node.lock"
STAMP = Path("dist", ".built-from")
INSTALLED = Path("node_modules", ".installed-from")
SOURCES = ("src", "public", "scripts", "index.html", "package.json", "package-lock.json", "vite.config.ts", ".npmrc")
MIN_NODE = (20, 19)
STEP_TIMEOUT = 900  # seconds
LAST_LINES = 15
HOW_TO_GET = "not installed; start from a checkout with ./run up, or set DASHBOARD to a folder with the built one"

Say = Callable[[str], None]


class BuildFailed(RuntimeError):
    """The dashboard could not be built; the message holds the reason and the last lines of output."""


def has_sources(folder: Path = FOLDER) -> bool:
    """Whether the sources are here: in a checkout they are, in an installed package they are not."""
    return (folder / "package.json").is_file()


def is_current(folder: Path = FOLDER) -> bool:
    """Whether the built dashboard matches its sources; True if there are no sources to build from."""
    if not has_sources(folder):
        return True
    try:
        return (folder / STAMP).read_text() == fingerprint(folder) and (folder / "dist" / "index.html").is_file()
    except OSError:
        return False


def build(say: Say, folder: Path = FOLDER) -> bool:
    """Build the dashboard unless it is current, and return whether it was built.

    Args:
        say: receives a line for each step.
        folder: the dashboard's sources; the result goes to its `dist`.

    Raises:
        BuildFailed: npm is missing or a step failed.
    """
    if is_current(folder):
        return False
    with _build_lock(folder, say):
        if is_current(folder):
            return False
        variables = environment(say)
        lock = _hash([folder / "package-lock.json"], folder)
        if not _same(folder / INSTALLED, lock):
            say("installing the dashboard's packages (npm ci)")
            _run(["npm", "ci", "--no-audit", "--no-fund"], folder, variables)
            (folder / INSTALLED).write_text(lock)
        say("building the dashboard")
        source_hash = fingerprint(folder)
        _run(["npm", "run", "build"], folder, variables)
        (folder / STAMP).write_text(source_hash)
    return True


def fingerprint(folder: Path) -> str:
    """A hash of all files that the build reads."""
    files: list[Path] = []
    for name in SOURCES:
        path = folder / name
        files += sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return _hash(files, folder)


def _hash(files: list[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            name = file.relative_to(folder).as_posix().encode()
            digest.update(name + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _same(file: Path, text: str) -> bool:
    try:
        return file.read_text() == text
    except OSError:
        return False


@contextmanager
def _build_lock(folder: Path, say: Say) -> Iterator[None]:
    """Hold the build lock; wait while another process is building."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is building the dashboard; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def environment(say: Say) -> dict[str, str]:
    """An environment with a recent enough Node on its PATH; installs one into .venv if the machine has none."""
    # A `node` next to this Python comes from its packages and is looked at separately from the machine's own.
    own = Path(sys.executable).parent
    machine = os.pathsep.join(p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(p) != own)
    if shutil.which("npm", path=machine) and _version(shutil.which("node", path=machine)) >= MIN_NODE:
        return {**os.environ, "PATH": machine}
    if _version(str(own / "node")) < MIN_NODE:
        say("installing Node from PyPI: this machine has none of version 20.19 or newer")
        uv = [str(own / "uv"), "--quiet", "pip", "install", "--python", sys.executable]
        _run([*uv, "--require-hashes", "--only-binary", ":all:", "-r", str(NODE_LOCK)], ROOT, _indexes())
    return {**os.environ, "PATH": os.pathsep.join([str(own), machine])}


def _indexes() -> dict[str, str]:
    """The environment in which uv uses the same package index as pip, as in `run`."""
    environment = dict(os.environ)
    for uv_name, pip_name in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("UV_INDEX", "PIP_EXTRA_INDEX_URL")):
        if pip_name in environment:
            environment.setdefault(uv_name, environment[pip_name])
    return environment


def _version(node: str | None) -> tuple[int, int]:
    if node is None or not Path(node).exists():
        return (0, 0)
    try:
        output = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.match(r"v(\d+)\.(\d+)", output)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _run(argv: list[str], folder: Path, environment: dict[str, str]) -> None:
    with tempfile.TemporaryFile("w+", errors="replace") as output:  # unlike a pipe, it cannot fill up
        try:
            code = subprocess.run(
                argv,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=STEP_TIMEOUT,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildFailed(f"{' '.join(argv[:3])}: {error}") from None
        if code:
            output.seek(0)
            lines = [line.rstrip() for line in output if line.strip()][-LAST_LINES:]
            raise BuildFailed("\n  ".join([f"{' '.join(argv[:3])} exited with code {code}; last output:", *lines]))
