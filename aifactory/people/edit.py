"""Edits `people` in the text of a manifest: what people wrote, comments and order included, stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

_KEY = "people"


class NotEditable(Exception):
    """The text is written in a form that this does not edit."""


def shown(entry: object) -> str:
    """An entry as it is written: a login, or `{login: bo, environments: [prod], until: 2027-01-31}`."""
    if isinstance(entry, str):
        return entry
    return str(yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=10_000)).strip()


def put(text: str, persona: str, entry: object, replaces: int | None = None) -> str:
    """`text` with `entry` under `persona`: at the end, or in place of the entry number `replaces`."""
    people = _people(text)
    if people is None:
        return f"{text.rstrip()}\n{_KEY}:\n  {persona}: [{shown(entry)}]\n"
    key, found = people
    if not isinstance(found, yaml.MappingNode):
        return _after_line(text, key.start_mark.line, f"{' ' * (key.start_mark.column + 2)}{persona}: [{shown(entry)}]")
    members = _value(found, persona)
    if members is None:
        return _add_persona(text, key, found, f"{persona}: [{shown(entry)}]")
    if not isinstance(members[1], yaml.SequenceNode):
        raise NotEditable
    if replaces is not None:
        item = members[1].value[replaces]
        return _splice(text, item.start_mark.index, _end(text, item), shown(entry))
    return _append(text, members[1], shown(entry))


def drop(text: str, persona: str, number: int) -> str:
    """`text` without entry `number` of `persona`; a persona, and `people`, with nobody left go too."""
    people = _people(text)
    members = _value(people[1], persona) if people and isinstance(people[1], yaml.MappingNode) else None
    if people is None or members is None or not isinstance(members[1], yaml.SequenceNode):
        raise NotEditable
    items = members[1].value
    if len(items) == 1:
        if _flows(people[1]):
            raise NotEditable
        key, value = people if len(people[1].value) == 1 else members
        return _without_lines(text, key.start_mark.line, _last_line(value))
    if not _flows(members[1]):
        return _without_lines(text, items[number].start_mark.line, _last_line(items[number]))
    if number + 1 < len(items):
        return _splice(text, items[number].start_mark.index, items[number + 1].start_mark.index, "")
    return _splice(text, items[number - 1].end_mark.index, items[number].end_mark.index, "")


def _people(text: str) -> tuple[yaml.Node, yaml.Node] | None:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or _flows(root):
        raise NotEditable
    return _value(root, _KEY)


def _value(mapping: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs: Sequence[tuple[yaml.Node, yaml.Node]] = mapping.value
    return next(((key, value) for key, value in pairs if key.value == name), None)


def _add_persona(text: str, key: yaml.Node, found: yaml.MappingNode, line: str) -> str:
    if _flows(found) and not found.value:
        emptied = _splice(text, found.start_mark.index, found.end_mark.index, "")
        return _after_line(emptied, key.start_mark.line, f"{' ' * (key.start_mark.column + 2)}{line}")
    if _flows(found):
        return _splice(text, found.end_mark.index - 1, found.end_mark.index - 1, f", {line}")
    return _after_line(text, _last_line(found), f"{' ' * found.start_mark.column}{line}")


def _append(text: str, members: yaml.SequenceNode, entry: str) -> str:
    if not _flows(members):
        return _after_line(text, _last_line(members), f"{' ' * members.start_mark.column}- {entry}")
    if members.value:
        end = members.value[-1].end_mark.index
        return _splice(text, end, end, f", {entry}")
    return _splice(text, members.end_mark.index - 1, members.end_mark.index - 1, entry)


def _flows(node: yaml.Node) -> bool:
    """Whether the node's end mark is where it ends: of all but blocks."""
    return not isinstance(node, yaml.CollectionNode) or bool(node.flow_style)


def _last_line(node: yaml.Node) -> int:
    """Last line that holds something of `node`: the mark at the end of a block lies behind comments that follow it."""
    if _flows(node):
        return int(node.end_mark.line)
    parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    return max(_last_line(part) for part in parts)


def _end(text: str, node: yaml.Node) -> int:
    """Where `node` ends, comments behind a block left out."""
    if _flows(node):
        return int(node.end_mark.index)
    key_value = node.value[-1]
    return _end(text, key_value[1] if isinstance(key_value, tuple) else key_value)


def _splice(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


def _after_line(text: str, line: int, new: str) -> str:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines[line].endswith("\r\n") else "\n"
    if not lines[line].endswith("\n"):
        lines[line] += end
    return "".join([*lines[: line + 1], new + end, *lines[line + 1 :]])


def _without_lines(text: str, first: int, last: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:first], *lines[last + 1 :]])
