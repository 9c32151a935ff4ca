"""Stand-in of the producer: what it may send that is late, doubled or wrong, made from a good row and the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.registry.model_folder import Column, InputSchema

Row = Mapping[str, Any]
OLD_DATE = "1970-01-01"
UNKNOWN = "no such value"
WRONG: Mapping[str, Any] = {
    "number": "seven",
    "integer": 1.5,
    "boolean": "perhaps",
    "category": UNKNOWN,
    "text": 7,
    "date": "the day before yesterday",
}
"""By kind of column, a value that is none of it."""


@dataclass(frozen=True)
class Sent:
    """A body for `/predict` and the status codes that are right for it."""

    name: str
    body: bytes
    right: tuple[int, ...]


def requests(schema: InputSchema, good: Row) -> Iterator[Sent]:
    """Wrong and late requests, one fault each, beside what is `good`."""
    first = schema.columns[0].name
    refused = (422,)
    for column in _one_of_each_kind(schema):
        yield _sent(f"a wrong value of kind {column.kind}", {**good, column.name: WRONG[column.kind]}, refused)
    yield _sent("a missing column", {name: value for name, value in good.items() if name != first}, refused)
    yield _sent("a column too many", {**good, _unused(schema): 1}, refused)
    for column in schema.columns:
        if not column.nullable:
            yield _sent("a null where none may be", {**good, column.name: None}, refused)
            break
    for column in schema.columns:
        if column.kind == "number":
            body = json.dumps({"rows": [{**good, column.name: float("nan")}]}).encode()
            yield Sent("a number that is none (NaN)", body, refused)
            break
    yield Sent("no rows", b'{"rows": []}', refused)
    yield Sent("half a body", b'{"rows": [{', refused)
    dates = {column.name: OLD_DATE for column in schema.columns if column.kind == "date"}
    if dates:
        yield _sent("a late row, from 1970 (scored, or refused by the schema's limits)", {**good, **dates}, (200, 422))


def _one_of_each_kind(schema: InputSchema) -> list[Column]:
    """The first column of each kind."""
    found: dict[str, Column] = {}
    for column in schema.columns:
        found.setdefault(column.kind, column)
    return list(found.values())


def _sent(name: str, row: Row, right: tuple[int, ...]) -> Sent:
    return Sent(name, json.dumps({"rows": [row]}).encode(), right)


def _unused(schema: InputSchema) -> str:
    """A name that no column of the table has."""
    taken = {*(column.name for column in schema.columns), *schema.unused}
    name = "surprise"
    while name in taken:
        name += "_"
    return name
