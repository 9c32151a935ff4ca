"""Starts the provider plugin: the engine starts it with its address and reads the port from the first line printed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import grpc.aio  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2_grpc

from infra.providers.local.plugin import VERSION, LocalProvider, Servicer

_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


async def serve(engine: str) -> None:
    """Answer on a port of our own, on loopback, until the engine ends this process."""
    # The engine waits for this process to end; there is nothing to tidy up, so it ends at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    server = grpc.aio.server(options=_ANY_SIZE)
    servicer = Servicer(sys.argv[1:], VERSION, LocalProvider(), engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(next((word for word in sys.argv[1:] if not word.startswith("-")), "")))
