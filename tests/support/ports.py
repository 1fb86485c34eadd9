"""Ports for servers of tests."""

import random

from local.embedded import free_port

#: below the ports that operating systems give to outgoing connections, which could take one before the server does
RANGE = range(10_000, 32_000)


def unused_port() -> int:
    """Return a free port: any, so that tests that run at the same time, also of other checkouts, do not compete."""
    return free_port(random.choice(RANGE))
