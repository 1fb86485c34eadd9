"""Builds the dashboard where it is missing or older than its sources, with this machine's Node or one from PyPI.

What it was made from is known by a hash of all sources, which the build leaves beside its result.
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
LEAST_NODE = (20, 19)
LIMIT = 900  # seconds for one step
LAST_LINES = 15

Say = Callable[[str], None]


class BuildFailed(RuntimeError):
    """The dashboard could not be built; the message says why, with the last lines of what failed."""


def is_current(folder: Path = FOLDER) -> bool:
    """Whether the built dashboard is that of its sources; also where there are no sources to build from."""
    if not (folder / "package.json").is_file():
        return True
    try:
        return (folder / STAMP).read_text() == fingerprint(folder) and (folder / "dist" / "index.html").is_file()
    except OSError:
        return False


def build(say: Say, folder: Path = FOLDER) -> bool:
    """Build it if need be; whether there was anything to do. `say` gets a line for each step. Raises BuildFailed."""
    if is_current(folder):
        return False
    with _alone(folder, say):
        if is_current(folder):
            return False
        variables = environment(say)
        lock = _hash([folder / "package-lock.json"], folder)
        if not _same(folder / INSTALLED, lock):
            say("installing the dashboard's packages (npm ci)")
            _run(["npm", "ci", "--no-audit", "--no-fund"], folder, variables)
            (folder / INSTALLED).write_text(lock)
        say("building the dashboard")
        made_from = fingerprint(folder)
        _run(["npm", "run", "build"], folder, variables)
        (folder / STAMP).write_text(made_from)
    return True


def fingerprint(folder: Path) -> str:
    """A hash of all that the build reads."""
    files: list[Path] = []
    for name in SOURCES:
        place = folder / name
        files += sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
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
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """One build at a time: another one's is waited for."""
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
    """The environment whose PATH has a Node that is new enough, installed into .venv where the machine has none."""
    # Beside this Python only what was installed for it counts: a project's environment may shadow the machine's Node.
    own = Path(sys.executable).parent
    machine = os.pathsep.join(p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(p) != own)
    if shutil.which("npm", path=machine) and _version(shutil.which("node", path=machine)) >= LEAST_NODE:
        return {**os.environ, "PATH": machine}
    if _version(str(own / "node")) < LEAST_NODE:
        say("installing Node from PyPI: this machine has none that is new enough (20.19)")
        uv = [str(own / "uv"), "--quiet", "pip", "install", "--python", sys.executable]
        _run([*uv, "--require-hashes", "--only-binary", ":all:", "-r", str(NODE_LOCK)], ROOT, _indexes())
    return {**os.environ, "PATH": os.pathsep.join([str(own), machine])}


def _indexes() -> dict[str, str]:
    """uv is pointed to the same packages as pip is, as `run` does it."""
    environment = dict(os.environ)
    for ours, pips in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("UV_INDEX", "PIP_EXTRA_INDEX_URL")):
        if pips in environment:
            environment.setdefault(ours, environment[pips])
    return environment


def _version(node: str | None) -> tuple[int, int]:
    if node is None or not Path(node).exists():
        return (0, 0)
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _run(argv: list[str], folder: Path, environment: dict[str, str]) -> None:
    with tempfile.TemporaryFile("w+", errors="replace") as output:  # a file: nobody has to read while it runs
        try:
            code = subprocess.run(
                argv,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LIMIT,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildFailed(f"{' '.join(argv[:3])}: {error}") from None
        if code:
            output.seek(0)
            lines = [line.rstrip() for line in output if line.strip()][-LAST_LINES:]
            raise BuildFailed("\n  ".join([f"{' '.join(argv[:3])} ended with code {code}; its last lines:", *lines]))
