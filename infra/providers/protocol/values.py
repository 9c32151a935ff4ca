"""Turns the engine's property values into plain Python and back, keeping what is secret or not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value  # type: ignore[import-untyped]

from infra.providers.protocol import messages
from infra.providers.protocol.failure import Failure


class Unknown:
    """A value that only exists once another resource does; stands for itself, equals nothing else."""

    def __repr__(self) -> str:
        return "<not known yet>"


UNKNOWN = Unknown()
_FIELDS = ((bool, "bool_value"), (str, "string_value"), (int | float, "number_value"))
"""Where a value of a type stands in a message; a bool is an int, too, so it comes first."""


def plain(value: Value) -> Any:
    """Python value of one property; whole numbers come as int, though the wire knows only floats."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind in {None, "null_value"}:
        return None
    inner = getattr(value, kind)
    if inner == messages.UNKNOWN:
        return UNKNOWN
    return int(inner) if isinstance(inner, float) and inner.is_integer() else inner


def _plain_struct(struct: Struct) -> Any:
    """A map, or what a marked one stands for; assets and references to resources are inputs of no kind here."""
    fields = struct.fields
    if messages.MARK not in fields:
        return {key: plain(item) for key, item in fields.items()}
    if fields[messages.MARK].string_value != messages.SECRET:
        raise Failure("an input is an asset, an archive or a resource; give its text, its path or one of its outputs")
    return plain(fields["value"])


def plain_map(properties: Struct) -> dict[str, Any]:
    """All properties as Python values; those that are null are left out, as if never given."""
    values = {key: plain(value) for key, value in properties.fields.items()}
    return {key: value for key, value in values.items() if value is not None}


def wire(value: Any) -> Value:
    """Property value of one Python value."""
    if value is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(value, Unknown):
        return Value(string_value=messages.UNKNOWN)
    for kind, field in _FIELDS:
        if isinstance(value, kind):
            return Value(**{field: value})
    if isinstance(value, Mapping):
        return Value(struct_value=wire_map(value))
    return Value(list_value=ListValue(values=[wire(item) for item in value]))


def wire_map(values: Mapping[str, Any], secret: frozenset[str] = frozenset()) -> Struct:
    """Property values of all values; those named in `secret` are encrypted in the state."""
    return Struct(fields={key: _secret(wire(value)) if key in secret else wire(value) for key, value in values.items()})


def _secret(value: Value) -> Value:
    return Value(struct_value=Struct(fields={messages.MARK: Value(string_value=messages.SECRET), "value": value}))


def has_unknown(value: Any) -> bool:
    """Whether anything inside is not known yet."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return False
