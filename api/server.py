"""The gateway's HTTP server: uvicorn with limits on connections, which ends open streams when it is stopped."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette

from api.security.connection_guard import ConnectionLimits, close_stalled, guarded, networks


class Server(uvicorn.Server):
    """A server of one gateway. Open streams would otherwise hold it until its time is up."""

    def __init__(self, app: Starlette, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def main_loop(self) -> None:
        stalled = asyncio.create_task(close_stalled(self.server_state.connections))
        try:
            await super().main_loop()
        finally:
            stalled.cancel()
            with suppress(asyncio.CancelledError):
                await stalled

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        gateway = getattr(self._app.state, "gateway", None)
        if gateway is not None:
            gateway.change_streams.close()
        await super().shutdown(sockets)


def server_for(app: Starlette, *, trusted_proxies: str, connections_per_address: int, **options: Any) -> Server:
    """The server of a gateway.

    Args:
        app: The gateway, from `create_app`.
        trusted_proxies: Addresses and networks, comma-separated. Only they may say who the client is
            (``X-Forwarded-For``, ``X-Forwarded-Proto``), and their connections are not counted.
        connections_per_address: Open connections that one other address may have.
        options: Further arguments of ``uvicorn.Config``: host, port, logging.
    """
    proxies = [proxy.strip() for proxy in trusted_proxies.split(",") if proxy.strip()]
    limits = ConnectionLimits(
        per_address=connections_per_address, trusted=networks(proxies), public_url=app.state.public_url
    )
    config = uvicorn.Config(
        app,
        http=guarded(limits),
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        access_log=False,
        **options,
    )
    return Server(app, config)
