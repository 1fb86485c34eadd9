"""Exec another program that cannot outlive its parent: `python parent_death.py SIGNAL PARENT USER PROGRAM ARG …`.

This small launcher replaces `preexec_fn`, which is unsafe in a process with threads. It switches to USER first (empty:
keeps the current user), because the kernel clears the death signal when the user changes (prctl(2), PR_SET_PDEATHSIG).
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(death_signal: int, parent: int, user: str, argv: list[str]) -> None:
    """Switch to `user`, have the kernel send `death_signal` when `parent` dies, and exec `argv`. Never returns."""
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ.update(HOME="/", USER=user, LOGNAME=user)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent died before the request
            os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
