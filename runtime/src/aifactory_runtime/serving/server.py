"""Runs the application on a socket of this machine, and ends it without dropping what it has begun."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from fastapi import FastAPI

_IDLE_SECONDS = 2.0
"""How long, when draining, a connection without a request is kept for one that may be on its way."""


_MOST_HEAD_BYTES = 65_536
"""Request line and headers of one request, in pieces; the parser itself has no limit and would keep all of them."""
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's fast protocol, which closes a connection whose headers do not end."""

    _reads_head = True
    _ended = False
    """Whether a request ended in what came last; what is behind it belongs to the next head, and is not counted."""
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it while no head has ended."""
        self._ended = False
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._reads_head and not self._ended else 0
        if self._head_bytes > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """A body comes, or nothing."""
        self._reads_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes now is the head of the next request."""
        self._reads_head = self._ended = True
        super().on_message_complete()


class DrainingServer(uvicorn.Server):
    """Uvicorn's server, which at the end first stops accepting, answers what comes on open connections, then closes."""

    def __init__(self, config: uvicorn.Config, on_drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_drain = on_drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Not ready, no new connections, each answer closes its connection; then uvicorn's own shutdown."""
        self._on_drain()
        for server in self.servers:
            server.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        until = time.monotonic() + min(_IDLE_SECONDS, (self.config.timeout_graceful_shutdown or 0) / 2)
        while self.server_state.connections and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


def run(app: FastAPI, listener: socket.socket, drain_seconds: float, on_drain: Callable[[], None]) -> bool:
    """Answer on `listener` until SIGTERM or SIGINT, then drain for at most `drain_seconds`; whether it was SIGINT."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=BoundedProtocol,
        ws="none",
        loop="asyncio",
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
    )
    # Uvicorn raises the signal again when it is done; by then it has been obeyed.
    obeyed: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: obeyed.append(number))
    DrainingServer(config, on_drain).run(sockets=[listener])
    return signal.SIGINT in obeyed


def listen(port: int, host: str) -> socket.socket:
    """A listening socket; OSError when the port is taken.

    What it accepts sends without delay: an answer in two parts would else wait for the caller to confirm the first.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener
