"""Becomes another program that cannot outlive its parent: `python parent_death.py SIGNAL PARENT USER PROGRAM ARG …`.

A tiny program between parent and child instead of `preexec_fn`, which is not safe in a process with threads. It drops
to USER first (empty: stays who it is), because the kernel forgets the death signal when the user changes.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(death_signal: int, parent: int, user: str, argv: list[str]) -> None:
    """Drop to `user`, ask the kernel for `death_signal` when `parent` dies, and become `argv`; never returns."""
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ.update(HOME="/", USER=user, LOGNAME=user)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it died before the kernel was asked
            os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
