"""What /docs shows: the columns of the model that is served now, with types, limits and an example row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import Column, Label
    from aifactory_runtime.serving.service import Service

_OPENAPI = "3.0.3"
"""What the pages of `/docs` can show; 3.1 they cannot."""
_JSON_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean"}
"""All other kinds are strings on the wire."""
_EXAMPLES: dict[str, Any] = {
    "number": 0.5,
    "integer": 1,
    "boolean": True,
    "date": "2026-01-31T12:00:00",
    "text": "some words",
}
_MOST_NAMED = 50
_TEXT_LIMITS = {"minimum": "minLength", "maximum": "maxLength"}
_ANSWERS = {
    "401": {"description": "The bearer token is missing or wrong"},
    "413": {"description": "The body is too large"},
    "422": {"description": "The rows do not fit the model's input schema"},
    "503": {"description": "No model is ready, or the prediction could not be recorded"},
}


def describe(app: FastAPI, service: Service) -> dict[str, Any]:
    """OpenAPI document of the service; without a model the rows are any objects."""
    version = f"model {service.model.served.version}" if service.model else "no model yet"
    document = get_openapi(
        title=app.title,
        version=version,
        openapi_version=_OPENAPI,
        description=app.description,
        routes=app.routes,
    )
    columns = service.model.schema.columns if service.model else ()
    answers = {"200": _answer(service.model.schema.classes if service.model else None), **_ANSWERS}
    for path, schema in _bodies(columns).items():
        operation = document["paths"][path]["post"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        operation["responses"] |= answers
    return document


def _bodies(columns: Sequence[Column]) -> dict[str, dict[str, Any]]:
    """Schema of the body of each scoring address."""
    rows = {"type": "array", "minItems": 1, "items": _row(columns)}
    names = {"type": "array", "items": {"type": "string"}}
    split = {"type": "object", "properties": {"columns": names, "data": {"type": "array"}}}
    example = [{column.name: _example(column) for column in columns}]
    return {
        "/predict": {
            "type": "object",
            "required": ["rows"],
            "properties": {"rows": rows},
            "example": {"rows": example},
        },
        "/invocations": {
            "type": "object",
            "properties": {"dataframe_records": rows, "dataframe_split": split},
            "example": {"dataframe_records": example},
        },
    }


def _answer(classes: Sequence[Label] | None) -> dict[str, Any]:
    """What comes back: labels and their probabilities, of a regression numbers; anything while there is no model."""
    numbers: dict[str, Any] = {"type": "array", "items": {"type": "number"}}
    texts = {"type": "array", "items": {"type": "string"}}
    found: dict[str, Any] = {"prediction_ids": texts, "model_version": {"type": "string"}}
    if classes:
        found["predictions"] = {"type": "array", "items": {"enum": list(classes)}}
        ordered = ", ".join(str(label) for label in classes[:_MOST_NAMED])
        by_class = {"description": f"Of each row, in this order: {ordered}{' ...' * (len(classes) > _MOST_NAMED)}"}
        found["probabilities"] = {"type": "array", "items": numbers, **by_class}
        found["classes"] = {"type": "array", "description": "What each row of probabilities is of, in its order"}
    elif classes is not None:
        found["predictions"] = numbers
    schema = {"type": "object", "properties": found}
    return {"description": "One answer a row", "content": {"application/json": {"schema": schema}}}


def _row(columns: Sequence[Column]) -> dict[str, Any]:
    if not columns:
        return {"type": "object"}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [column.name for column in columns],
        "properties": {column.name: _property(column) for column in columns},
    }


def _property(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _JSON_TYPES.get(column.kind, "string")}
    if column.nullable:
        found["nullable"] = True
    for key, limit in (("minimum", column.minimum), ("maximum", column.maximum)):
        if limit is not None and column.kind == "text":
            found[_TEXT_LIMITS[key]] = int(limit)
        elif limit is not None:
            found[key] = limit
    if column.kind == "date":
        found["description"] = "A date, or date and time, in ISO 8601; one with an offset is moved to UTC."
    if column.categories:
        found["enum"] = [*column.categories, *([None] if column.nullable else [])]
    return found


def _example(column: Column) -> Any:
    """A value that the column takes."""
    if column.categories:
        return column.categories[0]
    limit = column.maximum if column.minimum is None else column.minimum
    if limit is None or column.kind in {"text", "date"}:
        return _EXAMPLES[column.kind]
    return int(limit) if column.kind == "integer" else limit
