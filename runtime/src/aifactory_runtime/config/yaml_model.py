"""Read a YAML file into a pydantic model; what is wrong is named with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from aifactory_runtime.errors import UsageProblem

Model = TypeVar("Model", bound=BaseModel)


class _Once(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML itself silently takes the last: an approval would be gone."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The mapping, each key of it once."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"the key {key.value} stands here for the second time; keep one"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return node


def read_yaml(path: Path, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Mapping in the file at `path`; UsageProblem when it is missing, not YAML or not a mapping.

    A file that `may_be_empty` may hold comments only: no keys.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageProblem(
            f"{path} is missing: run this inside a use case's repo, or make one with factory new"
        ) from None
    except UnicodeDecodeError:
        raise UsageProblem(f"{path} is not UTF-8 text") from None
    return parse(text, path, may_be_empty=may_be_empty)


def parse(text: str, path: Path | str, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Mapping that `text`, the content of `path`, holds; UsageProblem when it is not YAML or not a mapping."""
    try:
        loaded = yaml.load(text, Loader=_Once)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageProblem(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UsageProblem(f"{path}: not valid YAML: {error}") from None
    except RecursionError:
        raise UsageProblem(f"{path}: lists or keys are nested too deeply") from None
    except ValueError as error:  # such as a date in month 13
        raise UsageProblem(f"{path}: not valid YAML: {error}") from None
    if loaded is None and may_be_empty:
        return {}
    if not isinstance(loaded, dict):
        raise UsageProblem(f"{path}: expected keys and values, such as use_case: churn")
    return loaded


def load(path: Path, model: type[Model]) -> Model:
    """The file at `path` as a `model`; UsageProblem names file, line and key of the first thing that is wrong."""
    values = read_yaml(path)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageProblem(explain(path, error)) from None


def explain(path: Path, error: ValidationError) -> str:
    """One line for a validation error: file, line, dotted key, what would be right."""
    first = error.errors()[0]
    keys = list(first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "unknown key; remove it or check its spelling"
    where = ".".join(str(key) for key in keys)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}:{line_of(path, keys)}: {where + ': ' if where else ''}{message}{more}"


def line_of(path: Path, keys: Sequence[str | int]) -> int:
    """Line of the deepest of `keys` that the file holds, counted from 1."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    line = 1
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        node, line = found
    return line


def _child(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return value, name.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item = node.value[key]
        return item, item.start_mark.line + 1
    return None
