"""The directory of the embedded Postgres's socket, and the permissions on the path to it."""

import hashlib
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
MAX_PATH = 100  # bytes; the socket path limit is 108 on Linux and 104 on BSD


def socket_dir(cluster: Path) -> Path:
    """The cluster's own directory (which only its owner can enter), or one under /tmp if that path is too long.

    The same cluster always gets the same directory, so that its URL stays valid across restarts.
    """
    if len(os.fsencode(cluster / SOCKET_NAME)) <= MAX_PATH:
        return cluster
    return Path("/tmp") / f"perdure-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"  # noqa: S108 - make_private checks its owner


def make_private(path: Path, owner: pwd.struct_passwd | None) -> None:
    """Create `path` as a directory that only `owner` (None: the current user) can enter.

    Raises PermissionError if it exists and belongs to another user.
    """
    uid = os.geteuid() if owner is None else owner.pw_uid
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = path.lstat()  # a directory in /tmp could be another user's, or a link to one
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (uid, os.geteuid()):
        raise PermissionError(f"{path} belongs to another user; remove it")
    if owner is not None and status.st_uid != uid:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(0o700)


def allow_traversal(targets: Iterable[Path]) -> list[Path]:
    """Let all users traverse (not list) the directories above each target, as the system user of root's Postgres must.

    Returns the directories that were changed.
    """
    changed = []
    for target in targets:
        for directory in target.parents:
            mode = stat.S_IMODE(directory.stat().st_mode)
            if not mode & stat.S_IXOTH:
                directory.chmod(mode | stat.S_IXOTH)
                changed.append(directory)
    return changed
