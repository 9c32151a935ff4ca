"""Answers the engine: finds the kind of each resource, runs it in a thread, and turns failures into sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.provider.experimental import provider as wire
from pulumi.provider.experimental.server import ProviderServicer

from infra.providers.local import diff
from infra.providers.local.failure import Failure
from infra.providers.local.kind import Kind
from infra.providers.local.kinds import KINDS, load
from infra.providers.local.values import UNKNOWN, has_unknown, plain_map, wire_map

VERSION = "0.1.0"
PREFIX = "local:index:"


def kind_of(token: str) -> Kind:
    """Kind of a resource type such as `local:index:Folder`, which the engine prefixes with the types of its parents."""
    name = token.rpartition("$")[2].removeprefix(PREFIX)
    if name not in KINDS:
        raise Failure(f"there is no kind of resource {token}; the kinds are {', '.join(sorted(KINDS))}")
    return load(name)


class LocalProvider(wire.Provider):
    """Resources of this machine. State keeps the inputs, because the engine's diff arrives without the old ones."""

    async def check(self, request: wire.CheckRequest) -> wire.CheckResponse:
        """Refuse inputs that cannot work, before anything is made."""
        kind, inputs = kind_of(request.type), plain_map(request.new_inputs)
        problems = dict.fromkeys(inputs.keys() - kind.inputs, "is not an input of this resource") | dict(
            kind.check(inputs)
        )
        failures = [wire.CheckFailure(property=key, reason=f"{key} {reason}") for key, reason in problems.items()]
        return wire.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff(self, request: wire.DiffRequest) -> wire.DiffResponse:
        """Changed inputs and observed drift."""
        return diff.compare(kind_of(request.type), plain_map(request.old_state), plain_map(request.new_inputs))

    async def create(self, request: wire.CreateRequest) -> wire.CreateResponse:
        """Make or adopt."""
        kind, inputs = kind_of(request.type), plain_map(request.properties)
        if request.preview:
            state = {**inputs, **dict.fromkeys(kind.made, UNKNOWN)}
            return wire.CreateResponse(None, wire_map(state, kind.secret))
        identity, state = await asyncio.to_thread(kind.create, inputs)
        return wire.CreateResponse(identity, wire_map(state, kind.secret))

    async def read(self, request: wire.ReadRequest) -> wire.ReadResponse:
        """Observe."""
        kind, state = kind_of(request.type), plain_map(request.properties)
        now = await asyncio.to_thread(kind.read, state)
        if now is None:
            return wire.ReadResponse()
        return wire.ReadResponse(request.resource_id, wire_map(now, kind.secret), request.inputs)

    async def update(self, request: wire.UpdateRequest) -> wire.UpdateResponse:
        """Change or repair."""
        kind, state, inputs = kind_of(request.type), plain_map(request.olds), plain_map(request.news)
        if request.preview or has_unknown(inputs):
            return wire.UpdateResponse(wire_map(kind.foreseen(state, inputs), kind.secret))
        return wire.UpdateResponse(wire_map(await asyncio.to_thread(kind.update, state, inputs), kind.secret))

    async def delete(self, request: wire.DeleteRequest) -> None:
        """Take away."""
        await asyncio.to_thread(kind_of(request.type).delete, plain_map(request.properties))


Method = Callable[[Any, Any, Any], Coroutine[Any, Any, Any]]


def _in_a_sentence(method: Method) -> Any:
    """Report a failure as its message; the library would show people the class of the exception."""

    async def answered(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except Failure as problem:
            message = str(problem)
        except Exception as error:
            message = f"the provider of this machine failed: {type(error).__name__}: {error}"
        return await context.abort(grpc.StatusCode.UNKNOWN, message)

    return answered


class Servicer(ProviderServicer):
    """The library's servicer with failures as sentences."""

    Check = _in_a_sentence(ProviderServicer.Check)
    Diff = _in_a_sentence(ProviderServicer.Diff)
    Create = _in_a_sentence(ProviderServicer.Create)
    Read = _in_a_sentence(ProviderServicer.Read)
    Update = _in_a_sentence(ProviderServicer.Update)
    Delete = _in_a_sentence(ProviderServicer.Delete)
