"""Only to public machines: the address that was looked up and checked is the one that is connected to."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpx2

from activities.channels import NotDelivered

CONNECT_TIMEOUT = 5.0  # seconds for one address
MOST_ADDRESSES = 4  # that are tried of one name
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_UNICAST = ipaddress.ip_network("2000::/3")  # what is handed out of IPv6; addresses that wrap IPv4 ones lie elsewhere

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


def is_public(address: Address) -> bool:
    """Whether an address is a machine of the open internet, and does not wrap one that is not."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _UNICAST or address.sixtofour is not None or address.teredo is not None
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the order in which they are to be tried. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Allowed:
    """Hosts that may be private and may speak plain HTTP, for development: ``host`` or ``host:port``."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._entries = {entry.strip().lower() for entry in entries if entry.strip()}

    def __contains__(self, url: httpx2.URL) -> bool:
        host = f"[{url.host}]" if ":" in url.host else url.host
        port = url.port or (443 if url.scheme == "https" else 80)
        return bool(self._entries & {host, f"{host}:{port}"})


def checked_url(text: str, allowed: Allowed) -> httpx2.URL:
    """The URL of an endpoint. Raises ValueError that says what is wrong with it."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, TypeError, ValueError):
        raise ValueError("no URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("an absolute https URL")
    if url.userinfo:
        raise ValueError("a URL without user and password")
    if url in allowed:
        return url
    if url.scheme != "https":
        raise ValueError("https only")
    if not _NAME.fullmatch(url.raw_host.decode("ascii", "replace").lower()):
        raise ValueError("a public DNS name, not an address or a name of this network")
    return url


class PublicOnly(httpx2.AsyncBaseTransport):
    """Looks a name up once, refuses it when any of its addresses is private, and connects to what it has looked up."""

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
            raise httpx2.ConnectError("the name has no address")
        if not all(self._is_public(ipaddress.ip_address(address)) for address in addresses):
            raise NotDelivered("the endpoint's name leads to an address that is not public", final=True)
        # the certificate is still the name's, and so is the Host header, which the request has already
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        *first, last = addresses[:MOST_ADDRESSES]
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
