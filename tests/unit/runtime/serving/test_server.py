"""The listening socket of a service that no launcher started."""

from __future__ import annotations

import socket

from aifactory_runtime.serving import server


def test_given_a_connection_when_accepted_then_it_sends_without_delay() -> None:
    with server.listen(0, "127.0.0.1") as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            delay_off = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert delay_off == 1
