"""Finds AWS's schema of a resource, as cfn-lint carries it for a region."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from infra.providers.protocol.failure import Failure

_MODULES = {"configuration": "config"}
"""Modules of aws-native whose name is not the service's."""

_STEPS = {"*", "properties", "items"}


@dataclass(frozen=True)
class ResourceSchema:
    """One resource type: its schema and the lists in it, property names as CloudFormation writes them."""

    content: dict[str, Any]

    @property
    def type_name(self) -> str:
        """Such as AWS::S3::Bucket."""
        return str(self.content["typeName"])

    @property
    def properties(self) -> dict[str, Any]:
        """Schema of each property."""
        found: dict[str, Any] = self.content["properties"]
        return found

    @cached_property
    def read_only(self) -> list[tuple[str, ...]]:
        """Paths of what only AWS sets."""
        return self._paths("readOnlyProperties")

    @cached_property
    def made(self) -> list[str]:
        """Properties that only AWS sets, whole."""
        return [path[0] for path in self.read_only if len(path) == 1]

    @cached_property
    def write_only(self) -> list[tuple[str, ...]]:
        """Paths of what AWS never shows again."""
        return self._paths("writeOnlyProperties")

    @cached_property
    def create_only(self) -> list[tuple[str, ...]]:
        """Paths of what makes it another resource when it changes."""
        return self._paths("createOnlyProperties")

    @cached_property
    def identifier(self) -> list[str]:
        """Properties that together are its id."""
        return [path[0] for path in self._paths("primaryIdentifier")]

    @property
    def name(self) -> str | None:
        """The property that is named for whoever gives no name; None where AWS makes all of the id."""
        usual = [f"{self.type_name.rpartition('::')[2]}Name", "Name"]
        names: list[str] = [*self.identifier, *usual] if len(self.identifier) == 1 else usual
        for key in names:
            if key in self.properties and key not in self.made and "enum" not in self.properties[key]:
                return key
        return None

    def _paths(self, key: str) -> list[tuple[str, ...]]:
        """Where the list of this key points to, without the steps that only tell lists from objects."""
        found = [path.split("/")[2:] for path in self.content.get(key, ())]
        return [(first, *(part for part in rest if part not in _STEPS)) for first, *rest in found]


@cache
def folder() -> Path:
    """Folder of the schemas; looked up without importing cfn-lint, which takes a second."""
    found = importlib.util.find_spec("cfnlint")
    if found is None or found.origin is None:
        raise Failure("the emulation needs AWS's schemas: install cfn-lint beside the tool (./bootstrap.sh clouds)")
    return Path(found.origin).parent / "data" / "schemas"


@cache
def of(token: str, region: str) -> ResourceSchema:
    """Schema of a resource type of aws-native, such as `aws-native:s3:Bucket`; Failure when AWS has no such type."""
    _, module, name = token.split(":")
    wanted = f"aws::{_MODULES.get(module, module)}::{name}".lower()
    types = _types(region)
    if wanted not in types:
        raise Failure(f"{token} is no resource type of AWS in {region}")
    content = json.loads((folder() / "resources" / f"{types[wanted]}.json").read_text(encoding="utf-8"))
    return ResourceSchema(content)


@cache
def regions() -> list[str]:
    """Every region that there are schemas of."""
    return sorted(path.stem for path in (folder() / "providers").glob("*-*.json"))


@cache
def _types(region: str) -> dict[str, str]:
    """Resource type in small letters to the name of its schema."""
    if region not in regions():
        raise Failure(f"region: {region} is none of AWS's; use one of {', '.join(regions())}")
    found = json.loads((folder() / "providers" / f"{region}.json").read_text(encoding="utf-8"))
    return {name.lower(): digest for name, digest in found.items()}
