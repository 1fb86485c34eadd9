"""The data folder: locked by one `up` at a time, and where other commands find the running one."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LOCK = "up.lock"
ADDRESSES = "up.json"


class FolderInUseError(RuntimeError):
    """Another `up` is using the same data folder; the message names its process."""


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Create the data folder if necessary and lock it. The kernel releases the lock however the process ends."""
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _lock(descriptor):
            owner = os.pread(descriptor, 20, 0).decode().strip() or "?"
            raise FolderInUseError(
                f"another `up` (process {owner}) is using {data.resolve()}; stop it or choose another with --data"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    for _ in range(10):  # a command that checks whether an `up` is running holds the lock for a moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def publish(data: Path, environment: Mapping[str, str]) -> None:
    """Write the environment variables by which other commands find the services. Readable by the owner only."""
    write_private(data / ADDRESSES, json.dumps(environment, indent=2) + "\n")


def environment(data: Path) -> dict[str, str]:
    """The environment variables that point to the `up` running on `data`; {} if none is running."""
    try:
        descriptor = os.open(data / LOCK, os.O_RDWR)
    except OSError:
        return {}
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # locked, so an `up` is running
        try:
            published: dict[str, str] = json.loads((data / ADDRESSES).read_text())
        except FileNotFoundError:  # it is still starting
            return {}
        return published
    finally:
        os.close(descriptor)
    return {}


def write_private(file: Path, text: str) -> None:
    """Write `file` atomically, readable by its owner only from the start."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    new.replace(file)
