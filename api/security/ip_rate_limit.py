"""Per-IP rate limits for unauthenticated requests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from api.security.rate_limit import RateLimiter

PAGES = "120/minute"
UNSUBSCRIBING = "600/minute"  # mail services send these for many customers from one address
FAILED_SIGN_INS = "30/minute"
WRONG_KEYS = "30/minute"
WRONG_SESSIONS = "300/minute"  # an office has one address, and all its sessions may have ended over night


@dataclass(slots=True)
class IpRateLimits:
    """The limits of one process, each counted by `client_network`."""

    pages: RateLimiter = field(default_factory=lambda: RateLimiter(PAGES))
    unsubscribing: RateLimiter = field(default_factory=lambda: RateLimiter(UNSUBSCRIBING))
    wrong_keys: RateLimiter = field(default_factory=lambda: RateLimiter(WRONG_KEYS))  # different unknown API keys
    repeated_keys: RateLimiter = field(default_factory=lambda: RateLimiter(WRONG_KEYS))  # those that were sent before
    wrong_sessions: RateLimiter = field(default_factory=lambda: RateLimiter(WRONG_SESSIONS))  # different unknown ones
    failed_sign_ins: RateLimiter = field(default_factory=lambda: RateLimiter(FAILED_SIGN_INS))


def client_network(address: str) -> str:
    """Return the address, or for IPv6 its /64 network: a provider gives a whole network to one customer."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
