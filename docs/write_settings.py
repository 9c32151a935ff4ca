"""Write docs/settings.md and the JSON Schema of conf/ from the settings' models: `python docs/write_settings.py`."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aifactory_runtime.config.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CONFIG = "runtime/src/aifactory_runtime/config"
SCHEMA = f"{CONFIG}/settings.json"
PAGE = "docs/settings.md"
_MODULES = ("settings.py", "search.py")
_KINDS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "array": "list",
    "object": "keys and values",
    "None": "anything",
}
_LIMITS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
_HEAD = """# Settings

What may stand in `conf/base.yaml` of a use case's repo, and over it in `conf/<environment>.yaml`. Unknown keys are
refused, with file and line; `factory config --explain` shows every value in use and the file it came from. Where no
default stands, the key is not set. Written by `docs/write_settings.py` from the models in
`runtime/src/aifactory_runtime/config/settings.py`: change it there.

An editor checks and completes `conf/` by the schema that each repo holds: the first line of the file is then
`# yaml-language-server: $schema=../vendor/aifactory-runtime/src/aifactory_runtime/config/settings.json`.
"""


def schema() -> dict[str, Any]:
    """JSON Schema of the settings, with the docstrings of classes and fields as descriptions."""
    found: dict[str, Any] = Settings.model_json_schema()
    told = _docstrings()
    for name, part in {"Settings": found, **found.get("$defs", {})}.items():
        for key, field in part.get("properties", {}).items():
            if text := told.get(name, {}).get(key):
                field["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def page() -> str:
    """The page: a table for each part, in the order of the models."""
    whole = schema()
    return "\n".join([_HEAD, *_tables("", whole, whole["$defs"])])


def texts() -> dict[str, str]:
    """Path and text of each file."""
    return {SCHEMA: json.dumps(schema(), indent=1, sort_keys=True) + "\n", PAGE: page()}


def _docstrings() -> dict[str, dict[str, str]]:
    """Class to field to the string below it, as one line."""
    told: dict[str, dict[str, str]] = {}
    for module in _MODULES:
        tree = ast.parse((ROOT / CONFIG / module).read_text(encoding="utf-8"))
        for found in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for field, below in zip(found.body, found.body[1:], strict=False):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text))):
                        told.setdefault(found.name, {})[key] = " ".join(text.split())
    return told


def _tables(prefix: str, part: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    inner = {key: _part_of(field, parts) for key, field in part["properties"].items()}
    if prefix:
        yield f"## {prefix}\n\n{' '.join(part['description'].split())}\n"
        yield "| key | value | default | what it does |\n|---|---|---|---|"
        for key, field in part["properties"].items():
            yield f"| `{key}` | {_kind(field, parts)} | {_default(field)} | {_told(field)} |"
        yield ""
    for key, found in inner.items():
        if found is not None:
            many = "additionalProperties" in part["properties"][key]
            yield from _tables(f"{prefix}.{key}".strip(".") + (".COLUMN" if many else ""), found, parts)


def _part_of(field: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any] | None:
    """The model of a field that holds one, or one for each of its keys."""
    for choice in (field, *field.get("anyOf", []), field.get("additionalProperties") or {}):
        name = choice.get("$ref", "").rpartition("/")[2] if isinstance(choice, dict) else ""
        if name and "properties" in parts[name]:
            found: dict[str, Any] = parts[name]
            return found
    return None


def _kind(field: dict[str, Any], parts: dict[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in field or (_part_of(field, parts) and "anyOf" not in field):
        return "keys, see below"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(one)}`" for one in field["enum"])
    if "anyOf" in field:
        kinds = [_kind(choice, parts) for choice in field["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    limits = [f"{sign} {field[key]}".removesuffix(".0") for key, sign in _LIMITS.items() if key in field]
    return ", ".join([_KINDS[str(field.get("type"))], *limits])


def _default(field: dict[str, Any]) -> str:
    value = field.get("default")
    return "" if value is None or isinstance(value, list | dict) else f"`{json.dumps(value)}`"


def _told(field: dict[str, Any]) -> str:
    return str(field.get("description", "")).replace("|", "\\|")


if __name__ == "__main__":
    for path, text in texts().items():
        (ROOT / path).write_text(text, encoding="utf-8")
