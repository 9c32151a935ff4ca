"""Answers the engine in a cloud's stead: what its schemas refuse is refused, what they say it makes is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from infra.providers.emulated.script import Script
from infra.providers.emulated.vendor import Kind, Place, Values, Vendor
from infra.providers.emulated.world import Thing, World
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.messages import plugin_pb2
from infra.providers.protocol.messages import provider_pb2 as wire
from infra.providers.protocol.messages import provider_pb2_grpc as service
from infra.providers.protocol.server import in_a_sentence
from infra.providers.protocol.values import UNKNOWN, has_unknown, plain_map, wire_map

T = TypeVar("T")
_PD = wire.PropertyDiff


class EmulatedProvider:
    """Resources of one cloud in the world below `folder`, which is the emulated home."""

    def __init__(self, vendor: Vendor, folder: Path) -> None:
        self.vendor = vendor
        self.world = World(folder / "world")
        self.script = Script(folder / "failures.json")
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """Where this provider works, once it is configured."""
        if self._place is None:
            raise Failure(f"{self.vendor.name} was not configured")
        return self._place

    def kind(self, urn: str) -> Kind:
        """Kind of a resource by its URN, whose type the engine prefixes with the types of its parents."""
        return self.vendor.kind(urn.split("::")[-2].rpartition("$")[2], self.place)

    async def configure(self, request: wire.ConfigureRequest) -> wire.ConfigureResponse:
        """Region and account. Secrets are left to the engine, which marks outputs as it marked the inputs."""
        prefix = f"{self.vendor.name}:config:"
        given = {key.removeprefix(prefix): value for key, value in request.variables.items()}
        self._place = self.vendor.place({**given, **plain_map(request.args)})
        return wire.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptOutputs=False)

    async def check(self, request: wire.CheckRequest) -> wire.CheckResponse:
        """Refuse inputs that the schema does not allow; name what has no name."""
        kind = self.kind(request.urn)
        name = request.urn.split("::")[-1]
        inputs = kind.named(_clean(plain_map(request.news)), plain_map(request.olds), name, request.randomSeed)
        failures = [wire.CheckFailure(property=key, reason=reason) for key, reason in kind.problems(inputs).items()]
        return wire.CheckResponse(inputs=wire_map(inputs), failures=failures)

    async def diff(self, request: wire.DiffRequest) -> wire.DiffResponse:
        """Changed inputs; those of before are what the last refresh saw, so drift is among them."""
        kind = self.kind(request.urn)
        before, inputs = plain_map(request.old_inputs), plain_map(request.news)
        changed = kind.changed(before, inputs)
        replaces = [key for key, other in changed.items() if other]
        same_id = not has_unknown(inputs) and _identity(kind, {**plain_map(request.olds), **inputs}) == request.id
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if changed else wire.DiffResponse.DIFF_NONE,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and same_id,
            diffs=list(changed),
            detailedDiff={key: _change(key, before, inputs, other) for key, other in changed.items()},
            hasDetailedDiff=True,
        )

    async def create(self, request: wire.CreateRequest) -> wire.CreateResponse:
        """Make; where the id is taken, fail as the cloud does."""
        kind, inputs = self.kind(request.urn), plain_map(request.properties)
        if request.preview:
            return wire.CreateResponse(properties=wire_map({**inputs, **dict.fromkeys(kind.made, UNKNOWN)}))
        outputs = kind.outputs(inputs, self.place)
        state = {**inputs, **outputs}
        identity = kind.identity(state)
        scope, key = kind.scope(self.place), kind.key(identity)
        thing = Thing(kind.token, scope, key, identity, request.urn, inputs, outputs)
        await self._scripted("create", request.urn, lambda: self.world.make(thing))
        return wire.CreateResponse(id=thing.id, properties=wire_map(state))

    async def read(self, request: wire.ReadRequest) -> wire.ReadResponse:
        """Observe; with an id alone it is an import."""
        kind = self.kind(request.urn)
        thing = await self._scripted("read", request.urn, lambda: self._find(kind, request.id))
        if thing is None:
            return wire.ReadResponse()
        state = wire_map({**thing.inputs, **thing.outputs})
        return wire.ReadResponse(id=request.id, properties=state, inputs=wire_map(thing.inputs))

    async def update(self, request: wire.UpdateRequest) -> wire.UpdateResponse:
        """Change in place: what the cloud set stays."""
        kind, inputs = self.kind(request.urn), plain_map(request.news)
        made = {key: value for key, value in plain_map(request.olds).items() if key in kind.made}
        if not request.preview:
            thing = self._existing(kind, request.id)
            changed = replace(thing, inputs=inputs, urn=request.urn)
            await self._scripted("update", request.urn, lambda: self.world.change(changed))
        return wire.UpdateResponse(properties=wire_map({**inputs, **made}))

    async def delete(self, request: wire.DeleteRequest) -> Empty:
        """Take away; silent when it is gone."""
        kind = self.kind(request.urn)
        thing = self._find(kind, request.id)
        if thing is not None:
            remove = partial(self.world.remove, thing, soft=kind.soft_deleted)
            await self._scripted("delete", request.urn, remove)
        return Empty()

    async def invoke(self, request: wire.InvokeRequest) -> wire.InvokeResponse:
        """Answer of a function."""
        found = self.vendor.invoke(request.tok, plain_map(request.args), self.place)
        return wire.InvokeResponse(**{"return": wire_map(found)})

    def _find(self, kind: Kind, identity: str) -> Thing | None:
        return self.world.find(kind.token, kind.scope(self.place), kind.key(identity))

    def _existing(self, kind: Kind, identity: str) -> Thing:
        thing = self._find(kind, identity)
        if thing is None:
            raise Failure(f"NotFound: {kind.token} {identity} is gone: run the command again, it looks first")
        return thing

    async def _scripted(self, action: str, urn: str, act: Callable[[], T]) -> T:
        def run() -> T:
            with self.script.around(action, urn):
                return act()

        return await asyncio.to_thread(run)


def _clean(value: Any) -> Any:
    """Without what is null, at every depth: the library sends it for what was not given."""
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items() if item is not None}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _identity(kind: Kind, state: Values) -> str | None:
    try:
        return kind.identity(state)
    except Failure:
        return None


def _change(key: str, before: Values, inputs: Values, replaces: bool) -> wire.PropertyDiff:
    if key not in before:
        found = _PD.ADD_REPLACE if replaces else _PD.ADD
    elif key not in inputs:
        found = _PD.DELETE_REPLACE if replaces else _PD.DELETE
    else:
        found = _PD.UPDATE_REPLACE if replaces else _PD.UPDATE
    return _PD(kind=found, inputDiff=True)


class Servicer(service.ResourceProviderServicer):
    """What the engine calls; what is not here it is told is not implemented."""

    def __init__(self, provider: EmulatedProvider) -> None:
        self.provider = provider

    async def GetPluginInfo(self, request: Empty, context: Any) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        """The library warns when this is not its own version."""
        return plugin_pb2.PluginInfo(version=self.provider.vendor.version)

    async def CheckConfig(self, request: wire.CheckRequest, context: Any) -> wire.CheckResponse:  # noqa: ARG002, N802
        """What is missing is told when the provider is configured."""
        return wire.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: wire.DiffRequest, context: Any) -> wire.DiffResponse:  # noqa: ARG002, N802
        """Settings of a provider replace nothing."""
        return wire.DiffResponse(hasDetailedDiff=True)

    async def Cancel(self, request: Empty, context: Any) -> Empty:  # noqa: ARG002, N802
        """The engine ends this process next."""
        return Empty()

    Configure = in_a_sentence("the emulated provider", EmulatedProvider.configure)
    Check = in_a_sentence("the emulated provider", EmulatedProvider.check)
    Diff = in_a_sentence("the emulated provider", EmulatedProvider.diff)
    Create = in_a_sentence("the emulated provider", EmulatedProvider.create)
    Read = in_a_sentence("the emulated provider", EmulatedProvider.read)
    Update = in_a_sentence("the emulated provider", EmulatedProvider.update)
    Delete = in_a_sentence("the emulated provider", EmulatedProvider.delete)
    Invoke = in_a_sentence("the emulated provider", EmulatedProvider.invoke)
