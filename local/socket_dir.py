"""Where the embedded Postgres's socket stands, and the way that its user needs to get there."""

import hashlib
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST = 100  # bytes of a socket's whole path that every system takes


def socket_folder(cluster: Path) -> Path:
    """The cluster's own folder (which only its owner can enter), or one under /tmp when its path is too long.

    The same cluster always gets the same folder, so that its URL stays valid over a restart.
    """
    if len(os.fsencode(cluster / SOCKET_NAME)) <= LONGEST:
        return cluster
    return Path("/tmp") / f"perdure-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"  # noqa: S108 - private_folder looks whose it is


def private_folder(path: Path, owner: pwd.struct_passwd | None) -> None:
    """Make `path` a folder that `owner` (None: this user) alone can enter.

    Raises PermissionError when it is somebody else's.
    """
    uid = os.geteuid() if owner is None else owner.pw_uid
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.lstat()  # a folder in /tmp could be a stranger's, or a link to one
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise PermissionError(f"{path} belongs to somebody else; remove it")
    if owner is not None and found.st_uid != uid:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(0o700)


def open_the_way(targets: Iterable[Path]) -> list[Path]:
    """Let everyone pass through (not read) the folders above each target, as root's Postgres's own user must.

    Returns the folders that were changed.
    """
    changed = []
    for target in targets:
        for folder in target.parents:
            mode = stat.S_IMODE(folder.stat().st_mode)
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
                changed.append(folder)
    return changed
