"""A data folder in use: one `up` at a time, and how the other commands find the one that runs."""

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
    """Another `up` runs on the same data folder; the message says which process."""


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """The data folder, made if need be, for this process alone. The kernel lets go of it however the process ends."""
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _taken(descriptor):
            owner = os.pread(descriptor, 20, 0).decode().strip() or "?"
            raise FolderInUseError(
                f"another `up` (process {owner}) runs on {data.resolve()}; stop it, or choose another with --data"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    for _ in range(10):  # a command that looks whether an `up` runs holds the lock for an instant
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def publish(data: Path, environment: Mapping[str, str]) -> None:
    """Let the other commands find the parts: the variables that lead to them, readable by the owner alone."""
    write_private(data / ADDRESSES, json.dumps(environment, indent=2) + "\n")


def environment(data: Path) -> dict[str, str]:
    """The variables that lead to the parts of the `up` that runs on `data`; {} when none runs."""
    try:
        descriptor = os.open(data / LOCK, os.O_RDWR)
    except OSError:
        return {}
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # it runs: nobody else holds the lock
        try:
            found: dict[str, str] = json.loads((data / ADDRESSES).read_text())
        except FileNotFoundError:  # it has not come that far
            return {}
        return found
    finally:
        os.close(descriptor)
    return {}


def write_private(file: Path, text: str) -> None:
    """Replace `file` by `text`, whole or not at all, readable by the owner alone from the first byte."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    new.replace(file)
