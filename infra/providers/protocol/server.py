"""Serves a provider to the engine, which starts the process and reads the port from the first line printed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import grpc.aio  # type: ignore[import-untyped]

from infra.providers.protocol.failure import Failure
from infra.providers.protocol.messages import provider_pb2_grpc as service

_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

Method = Callable[[Any, Any], Coroutine[Any, Any, Any]]


async def serve(servicer: service.ResourceProviderServicer) -> None:
    """Answer on a port of our own, on loopback, until the engine ends this process."""
    # The engine waits for this process to end; there is nothing to tidy up, so it ends at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    server = grpc.aio.server(options=_ANY_SIZE)
    service.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


def in_a_sentence(provider: str, method: Method) -> Any:
    """Answer with what the method returns, or report a failure as its message, without the class of the exception.

    The method is one of the servicer's `provider`; the name of the provider is for failures that nobody foresaw.
    """

    async def answered(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self.provider, request)
        except Failure as problem:
            message = str(problem)
        except Exception as error:
            message = f"{provider} failed: {type(error).__name__}: {error}"
        return await context.abort(grpc.StatusCode.UNKNOWN, message)

    return answered
