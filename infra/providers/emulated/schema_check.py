"""Compares a value with a JSON schema: each problem is a path and a sentence saying what is right. No I/O."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from infra.providers.protocol.values import Unknown

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]
Problem = tuple[Path, str]

_SHOWN = 12
"""How many allowed values a sentence lists."""
_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema itself, or the one below `root` that its reference names, with what stands beside the reference."""
    while "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found.get(part, {})
        schema = {**{key: value for key, value in schema.items() if key != "$ref"}, **found}
    return schema


def problems(value: Any, schema: Schema, root: Schema, path: Path = ()) -> Iterator[Problem]:
    """What is wrong with a value and everything in it; what is not known yet is right."""
    if isinstance(value, Unknown):
        return
    schema = resolved(schema, root)
    types = _listed(schema.get("type"))
    if types and not any(_TYPES[name](value) for name in types):
        yield path, f"is {_shown(value)}: give {_article(types)}"
        return
    if isinstance(value, str):
        yield from _of_string(value, schema, path)
    elif isinstance(value, bool):
        yield from _of_choice(value, schema, path)
    elif isinstance(value, int | float):
        yield from _of_number(value, schema, path)
    elif isinstance(value, list):
        yield from _of_list(value, schema, root, path)
    elif isinstance(value, Mapping):
        yield from _of_object(value, schema, root, path)
    yield from _combined(value, schema, root, path)


def _listed(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else list(found or ())


def _article(types: Sequence[str]) -> str:
    return " or ".join(f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in types)


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, Mapping) else "an object"
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line that people read


def _choices(values: Sequence[Any], given: Any) -> str:
    """All of few, or those of many that come nearest."""
    words = [str(value) for value in values]
    if len(words) > _SHOWN:
        near = difflib.get_close_matches(str(given), words, n=3, cutoff=0.5)
        words = [*(near or words[:3]), f"... ({len(words)} in all)"]
    return ", ".join(words)


def _of_choice(value: Any, schema: Schema, path: Path) -> Iterator[Problem]:
    if "enum" in schema and value not in schema["enum"]:
        yield path, f"is {_shown(value)}: use one of {_choices(schema['enum'], value)}"
    folded = [str(item).lower() for item in schema.get("enumCaseInsensitive", ())]
    if folded and str(value).lower() not in folded:
        yield path, f"is {_shown(value)}: use one of {_choices(schema['enumCaseInsensitive'], value)}"
    if "const" in schema and value != schema["const"]:
        yield path, f"is {_shown(value)}: it is always {schema['const']}"


def _of_string(value: str, schema: Schema, path: Path) -> Iterator[Problem]:
    yield from _of_choice(value, schema, path)
    if len(value) > schema.get("maxLength", len(value)):
        yield path, f"has {len(value)} characters: {schema['maxLength']} at most ({_shown(value)})"
    if len(value) < schema.get("minLength", 0):
        yield path, f"has {len(value)} characters: {schema['minLength']} at least"
    if "pattern" in schema and not _search(schema["pattern"], value):
        yield path, f"is {_shown(value)}: it has to match {schema['pattern']}"


def _search(pattern: str, value: str) -> bool:
    """Whether the pattern is found; vendors write some for engines that know more than Python's."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        import regex  # type: ignore[import-untyped]

        return bool(regex.search(pattern, value))


def _of_number(value: float, schema: Schema, path: Path) -> Iterator[Problem]:
    yield from _of_choice(value, schema, path)
    if value < schema.get("minimum", value) or value <= schema.get("exclusiveMinimum", value - 1):
        yield path, f"is {value}: {schema.get('minimum', schema.get('exclusiveMinimum'))} is the least"
    if value > schema.get("maximum", value) or value >= schema.get("exclusiveMaximum", value + 1):
        yield path, f"is {value}: {schema.get('maximum', schema.get('exclusiveMaximum'))} is the most"
    if value % schema.get("multipleOf", value or 1):
        yield path, f"is {value}: give a multiple of {schema['multipleOf']}"


def _of_list(value: list[Any], schema: Schema, root: Schema, path: Path) -> Iterator[Problem]:
    if len(value) > schema.get("maxItems", len(value)):
        yield path, f"has {len(value)} items: {schema['maxItems']} at most"
    if len(value) < schema.get("minItems", 0):
        yield path, f"has {len(value)} items: {schema['minItems']} at least"
    if schema.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
        yield path, "names an item twice"
    items = schema.get("items")
    for index, item in enumerate(value):
        if isinstance(items, Mapping):
            yield from problems(item, items, root, (*path, index))


def _of_object(value: Mapping[str, Any], schema: Schema, root: Schema, path: Path) -> Iterator[Problem]:
    known = schema.get("properties", {})
    for key, item in value.items():
        if key in known:
            yield from problems(item, known[key], root, (*path, key))
            continue
        fitting = [each for pattern, each in schema.get("patternProperties", {}).items() if _search(pattern, key)]
        others = schema.get("additionalProperties", True)
        for each in fitting:
            yield from problems(item, each, root, (*path, key))
        if not fitting and others is False:
            yield (*path, key), f"is not known here: use one of {_choices(sorted(known), key)}"
        elif not fitting and isinstance(others, Mapping):
            yield from problems(item, others, root, (*path, key))
    for key in schema.get("required", ()):
        if key not in value:
            yield (*path, key), "is missing: give it"
    yield from _of_keys(value, schema, path)


def _of_keys(value: Mapping[str, Any], schema: Schema, path: Path) -> Iterator[Problem]:
    """What may and what has to stand together."""
    for key, needed in schema.get("dependentRequired", {}).items():
        for other in needed:
            if key in value and other not in value:
                yield (*path, other), f"is missing: {key} needs it"
    for key, excluded in schema.get("dependentExcluded", {}).items():
        for other in excluded:
            if key in value and other in value:
                yield (*path, other), f"does not go with {key}: give one of them"
    for word, much, most in (("requiredXor", "exactly", 1), ("requiredOr", "at least", len(value))):
        keys = schema.get(word)
        if keys and not 1 <= sum(key in value for key in keys) <= most:
            yield path, f"needs {much} one of {', '.join(keys)}"


def _combined(value: Any, schema: Schema, root: Schema, path: Path) -> Iterator[Problem]:
    for each in schema.get("allOf", ()):
        yield from problems(value, each, root, path)
    for word in ("anyOf", "oneOf"):
        options = schema.get(word)
        if options:
            yield from _of_options(value, options, root, path)
    if "if" in schema:
        fits = not any(problems(value, schema["if"], root, path))
        yield from problems(value, schema.get("then" if fits else "else", {}), root, path)


def _of_options(value: Any, options: Sequence[Schema], root: Schema, path: Path) -> Iterator[Problem]:
    """None fits: what is wrong with the option that comes nearest, or which keys any of them wants."""
    tried = [list(problems(value, option, root, path)) for option in options]
    if not all(tried):
        return
    wanted = [", ".join(option.get("required", ())) for option in options]
    if all(wanted) and all(sentence == "is missing: give it" for each in tried for _, sentence in each):
        yield path, f"needs {' or '.join(dict.fromkeys(wanted))}"
    else:
        yield from min(tried, key=len)
