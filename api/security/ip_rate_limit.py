"""How often somebody without a key may ask: by address, in this process's memory."""

from __future__ import annotations

import ipaddress
from time import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

#: Pages are asked for by people; unsubscribing also by the machines of mail services, for many people at once.
PAGES = parse("120/minute")
UNSUBSCRIBING = parse("600/minute")
WRONG_GUESSES = parse("30/minute")  # of a key or a link, at the sign-in


class Visitors:
    """Counts requests by address. One for a process."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def exceeded(self, limit: RateLimitItem, address: str) -> int:
        """Count a request; 0, or the seconds after which the next one is welcome."""
        return 0 if await self._limiter.hit(limit, neighbourhood(address)) else await self._wait(limit, address)

    async def spent(self, limit: RateLimitItem, address: str) -> int:
        """As `exceeded`, without counting."""
        return 0 if await self._limiter.test(limit, neighbourhood(address)) else await self._wait(limit, address)

    async def _wait(self, limit: RateLimitItem, address: str) -> int:
        window = await self._limiter.get_window_stats(limit, neighbourhood(address))
        return max(1, int(window.reset_time - time()) + 1)


def neighbourhood(address: str) -> str:
    """The address, of IPv6 the network: a single customer of a provider has all of its addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
