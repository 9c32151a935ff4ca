"""What the platform in a cloud tells use cases: an object for each environment in its bucket, or a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aifactory import emulation
from aifactory.home import Home
from aifactory.provision import stacks
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import Missing, open_store

if TYPE_CHECKING:
    from infra.components.aws.outputs import PlatformOutputs
    from infra.platform.settings import PlatformSettings


def address(settings: PlatformSettings) -> str:
    """Where they lie, as a manifest names it under `platform`."""
    from infra.components.aws.platform import naming

    return f"s3://{naming.platform_bucket(str(settings.shared.account))}"


def write(where: str, environment: str, outputs: Mapping[str, Any]) -> str:
    """Write what the stack of an environment gave; the object's address. FactoryError in one line."""
    from infra.components.aws.outputs import PlatformOutputs

    text = PlatformOutputs.model_validate(outputs).model_dump_json(by_alias=True, indent=2)
    where = _place(where)
    open_store(where).put(_key(environment), text.encode())
    return f"{where.rstrip('/')}/{_key(environment)}"


def read(where: str, environment: str) -> PlatformOutputs:
    """What the platform says of an environment; FactoryError when it is not there or cannot be read."""
    from infra.components.aws.outputs import PlatformOutputs

    try:
        found = open_store(_place(where)).read(_key(environment)).content
    except Missing:
        raise FactoryError(
            f"{where} has no {_key(environment)}: factory up {environment} in the company's factory repo writes it, "
            "or platform in factory.yaml names another platform"
        ) from None
    try:
        return PlatformOutputs.model_validate(json.loads(found))
    except (ValueError, ValidationError):
        raise FactoryError(
            f"{where.rstrip('/')}/{_key(environment)} is damaged: factory up {environment} in the company's factory "
            "repo writes it again"
        ) from None


def beside(where: str, environment: str) -> dict[str, PlatformOutputs]:
    """What it says of the environments that models come from (`earlier`) and go to (`later`), where they are there."""
    wanted = {"earlier": names.before(environment), "later": names.after(environment)}
    there = {entry.key for entry in open_store(_place(where)).list("platform/")}
    return {key: read(where, name) for key, name in wanted.items() if name is not None and _key(name) in there}


def remove(where: str, environment: str) -> None:
    """Take away what was told of an environment that is no more; FactoryError in one line."""
    open_store(_place(where)).delete(_key(environment))


def standing(where: str) -> list[str]:
    """Names of the use cases' stacks whose state lies in the platform's bucket; FactoryError in one line."""
    first = f".pulumi/stacks/{stacks.USECASE}/"
    found = (entry.key for entry in open_store(_place(where)).list(first) if entry.key.endswith(".json"))
    return sorted(key.removeprefix(first).removesuffix(".json") for key in found)


def _place(where: str) -> str:
    """The address or, where the cloud is emulated, the folder of all that is."""
    return str(Home.current().root / emulation.FOLDER) if emulation.asked() else where


def _key(environment: str) -> str:
    return f"platform/{environment}.json"
