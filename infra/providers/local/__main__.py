"""Starts the provider plugin: the engine starts it and reads the port from the first line printed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import grpc.aio  # type: ignore[import-untyped]

from infra.providers.local.messages import provider_pb2_grpc
from infra.providers.local.plugin import Servicer

_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


async def serve() -> None:
    """Answer on a port of our own, on loopback, until the engine ends this process."""
    # The engine waits for this process to end; there is nothing to tidy up, so it ends at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    server = grpc.aio.server(options=_ANY_SIZE)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve())
