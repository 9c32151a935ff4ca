"""How names are written: CloudFormation's `KMSKeyId` is `kmsKeyId` at aws-native, at every depth. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.providers.emulated.schema_check import Schema, resolved

_ACRONYM = re.compile(r"[A-Z]{2,}(?=s(?![a-z])|[A-Z][a-z]|[^A-Za-z]|$)")
_RESERVED = {"Id": "awsId", "Urn": "awsUrn"}
"""Names that the engine keeps for itself."""


def wire(name: str) -> str:
    """Property as aws-native writes it."""
    if name in _RESERVED:
        return _RESERVED[name]
    words = _ACRONYM.sub(lambda found: found.group().capitalize(), name)
    return words[:1].lower() + words[1:]


def native(value: Any) -> Any:
    """An output of AWS with aws-native's names."""
    if isinstance(value, Mapping):
        return {wire(key): native(item) for key, item in value.items()}
    return [native(item) for item in value] if isinstance(value, list) else value


def formation(value: Any, schema: Schema, root: Schema, *, top: bool = True) -> Any:
    """A value of aws-native with CloudFormation's names; what has no counterpart keeps its own."""
    schema = resolved(schema, root)
    if isinstance(value, Mapping):
        known = _known(schema, root)
        names: dict[str, str] = {key.lower(): key for key in known}
        if top:
            names |= {written.lower(): name for name, written in _RESERVED.items() if name in known}
        spelled: dict[str, str] = {key: names.get(key.lower(), str(key)) for key in value}
        return {
            spelled[key]: formation(item, known.get(spelled[key], {}), root, top=False) for key, item in value.items()
        }
    if isinstance(value, list):
        return [formation(item, schema.get("items", {}), root, top=False) for item in value]
    return value


def _known(schema: Schema, root: Schema) -> dict[str, Any]:
    """Properties of an object, those of its alternatives too."""
    known = dict(schema.get("properties", {}))
    for word in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(word, ()):
            for key, found in resolved(option, root).get("properties", {}).items():
                known.setdefault(key, found)
    return known
