"""Answers the engine: finds the kind of each resource, runs it in a thread, and turns failures into sentences."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from infra.providers.local import diff
from infra.providers.local.kind import Kind
from infra.providers.local.kinds import KINDS, load
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.messages import plugin_pb2
from infra.providers.protocol.messages import provider_pb2 as wire
from infra.providers.protocol.messages import provider_pb2_grpc as service
from infra.providers.protocol.server import in_a_sentence
from infra.providers.protocol.values import UNKNOWN, has_unknown, plain_map, wire_map

VERSION = "0.1.0"
PREFIX = "local:index:"


def kind_of(urn: str) -> Kind:
    """Kind of a resource by its URN, whose type the engine prefixes with the types of its parents."""
    token = urn.split("::")[-2]
    name = token.rpartition("$")[2].removeprefix(PREFIX)
    if name not in KINDS:
        raise Failure(f"there is no kind of resource {token}; the kinds are {', '.join(sorted(KINDS))}")
    return load(name)


class LocalProvider:
    """Resources of this machine. State keeps the inputs, because the engine's diff arrives without the old ones."""

    async def check(self, request: wire.CheckRequest) -> wire.CheckResponse:
        """Refuse inputs that cannot work, before anything is made."""
        kind, inputs = kind_of(request.urn), plain_map(request.news)
        problems = dict.fromkeys(inputs.keys() - kind.inputs, "is not an input of this resource") | dict(
            kind.check(inputs)
        )
        failures = [wire.CheckFailure(property=key, reason=f"{key} {reason}") for key, reason in problems.items()]
        return wire.CheckResponse(inputs=request.news, failures=failures)

    async def diff(self, request: wire.DiffRequest) -> wire.DiffResponse:
        """Changed inputs and observed drift."""
        return diff.compare(kind_of(request.urn), plain_map(request.olds), plain_map(request.news))

    async def create(self, request: wire.CreateRequest) -> wire.CreateResponse:
        """Make or adopt."""
        kind, inputs = kind_of(request.urn), plain_map(request.properties)
        if request.preview:
            state = {**inputs, **dict.fromkeys(kind.made, UNKNOWN)}
            return wire.CreateResponse(properties=wire_map(state, kind.secret))
        identity, state = await asyncio.to_thread(kind.create, inputs)
        return wire.CreateResponse(id=identity, properties=wire_map(state, kind.secret))

    async def read(self, request: wire.ReadRequest) -> wire.ReadResponse:
        """Observe."""
        kind, state = kind_of(request.urn), plain_map(request.properties)
        now = await asyncio.to_thread(kind.read, state)
        if now is None:
            return wire.ReadResponse()
        return wire.ReadResponse(id=request.id, properties=wire_map(now, kind.secret), inputs=request.inputs)

    async def update(self, request: wire.UpdateRequest) -> wire.UpdateResponse:
        """Change or repair."""
        kind, state, inputs = kind_of(request.urn), plain_map(request.olds), plain_map(request.news)
        if request.preview or has_unknown(inputs):
            return wire.UpdateResponse(properties=wire_map(kind.foreseen(state, inputs), kind.secret))
        changed = await asyncio.to_thread(kind.update, state, inputs)
        return wire.UpdateResponse(properties=wire_map(changed, kind.secret))

    async def delete(self, request: wire.DeleteRequest) -> Empty:
        """Take away."""
        await asyncio.to_thread(kind_of(request.urn).delete, plain_map(request.properties))
        return Empty()


_in_a_sentence = partial(in_a_sentence, "the provider of this machine")


class Servicer(service.ResourceProviderServicer):
    """What the engine calls; what is not here it is told is not implemented."""

    def __init__(self) -> None:
        self.provider = LocalProvider()

    async def GetPluginInfo(self, request: Empty, context: Any) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        """The engine asks every plugin."""
        return plugin_pb2.PluginInfo(version=VERSION)

    async def CheckConfig(self, request: wire.CheckRequest, context: Any) -> wire.CheckResponse:  # noqa: ARG002, N802
        """There is nothing to configure."""
        return wire.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: wire.DiffRequest, context: Any) -> wire.DiffResponse:  # noqa: ARG002, N802
        """There is nothing to configure."""
        return wire.DiffResponse(hasDetailedDiff=True)

    async def Configure(self, request: wire.ConfigureRequest, context: Any) -> wire.ConfigureResponse:  # noqa: ARG002, N802
        """What is understood: secrets, and previews of what is not made yet."""
        return wire.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Cancel(self, request: Empty, context: Any) -> Empty:  # noqa: ARG002, N802
        """The engine ends this process next."""
        return Empty()

    Check = _in_a_sentence(LocalProvider.check)
    Diff = _in_a_sentence(LocalProvider.diff)
    Create = _in_a_sentence(LocalProvider.create)
    Read = _in_a_sentence(LocalProvider.read)
    Update = _in_a_sentence(LocalProvider.update)
    Delete = _in_a_sentence(LocalProvider.delete)
