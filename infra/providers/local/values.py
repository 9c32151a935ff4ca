"""Turns the engine's property values into plain Python and back, keeping what is secret or not known yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc


class Unknown:
    """A value that only exists once another resource does; stands for itself, equals nothing else."""

    def __repr__(self) -> str:
        return "<not known yet>"


UNKNOWN = Unknown()
# The library neither writes nor reads its own Computed: on the wire an unknown value is this string.
_SENTINEL = rpc.UNKNOWN


def plain(value: PropertyValue) -> Any:
    """Python value of one property; whole numbers come as int, though the wire knows only floats."""
    inner = value.value
    if inner == _SENTINEL:
        return UNKNOWN
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    return inner


def plain_map(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """All properties as Python values; those that are null are left out, as if never given."""
    values = {key: plain(value) for key, value in properties.items()}
    return {key: value for key, value in values.items() if value is not None}


def wire(value: Any) -> PropertyValue:
    """Property value of one Python value."""
    if isinstance(value, Unknown):
        return PropertyValue(_SENTINEL)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({key: wire(item) for key, item in value.items()})
    return PropertyValue([wire(item) for item in value])


def wire_map(values: Mapping[str, Any], secret: frozenset[str] = frozenset()) -> dict[str, PropertyValue]:
    """Property values of all values; those named in `secret` are encrypted in the state."""
    return {key: wire(value).with_secret(key in secret) for key, value in values.items()}


def has_unknown(value: Any) -> bool:
    """Whether anything inside is not known yet."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return False
