"""Protection against SSRF: connect only to the public address that was resolved and checked."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpx2

from activities.channels import NotDelivered

CONNECT_TIMEOUT = 5.0  # seconds for one address
MAX_ADDRESSES = 4  # tried per host name
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_UNICAST = ipaddress.ip_network("2000::/3")  # allocated IPv6; addresses that embed IPv4 are outside of it

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


def is_public(address: Address) -> bool:
    """Return whether an address is publicly routable and does not embed a private one."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _UNICAST or address.sixtofour is not None or address.teredo is not None
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve(host: str, port: int) -> list[str]:
    """Resolve a host name to its addresses, in the order in which to try them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Allowed:
    """Hosts that may be private and use plain HTTP, for development: ``host`` or ``host:port``."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._entries = {entry.strip().lower() for entry in entries if entry.strip()}

    def __contains__(self, url: httpx2.URL) -> bool:
        host = f"[{url.host}]" if ":" in url.host else url.host
        port = url.port or (443 if url.scheme == "https" else 80)
        return bool(self._entries & {host, f"{host}:{port}"})


def checked_url(text: str, allowed: Allowed) -> httpx2.URL:
    """Parse and check the URL of an endpoint. Raises ValueError with the requirement it does not meet."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, TypeError, ValueError):
        raise ValueError("it must be a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("it must be an absolute https URL")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise ValueError("its URL's port must be from 1 to 65535")
    if url.userinfo:
        raise ValueError("it must not contain a user or password")
    if url in allowed:
        return url
    if url.scheme != "https":
        raise ValueError("it must use https")
    if not _NAME.fullmatch(url.raw_host.decode("ascii", "replace").lower()):
        raise ValueError("its host must be a public DNS name, not an IP address or a local name")
    return url


class PublicOnly(httpx2.AsyncBaseTransport):
    """Resolve a name once, reject it if any of its addresses is private, and connect to the resolved address."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        allowed: Allowed,
        *,
        resolve: Resolve = resolve,
        is_public: Callable[[Address], bool] = is_public,
    ) -> None:
        self._inner, self._allowed, self._resolve, self._is_public = inner, allowed, resolve, is_public

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if url in self._allowed:
            return await self._inner.handle_async_request(request)
        addresses = await self._resolve(url.host, url.port or 443)
        if not addresses:
            raise httpx2.ConnectError("the host name has no address")
        if not all(self._is_public(ipaddress.ip_address(address)) for address in addresses):
            raise NotDelivered("the endpoint's host resolves to a private address", final=True)
        # TLS still verifies the host name, and the request already has its Host header
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        *first, last = addresses[:MAX_ADDRESSES]
        for address in first:
            request.url = url.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        request.url = url.copy_with(host=last)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
