"""Gives a person a persona in a repo's manifest, or takes it away: the text is changed, and checked by loading it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from aifactory.people import edit
from aifactory_runtime import files
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.conventions import personas
from infra.policies.manifest_rules import people_violations

People = dict[str, list[Any]]


def add(path: Path, login: str, persona: str, *, environments: Sequence[str], until: date | None, today: date) -> str:
    """Write `login` under `persona` into the manifest at `path`; the entry as written.

    One that is there for the same environments is replaced. UsageProblem when the rules refuse it, FactoryError while
    another process changes the file.
    """
    with _alone(path):
        return _add(path, login, persona, _entry(login, environments, until), today)


def _add(path: Path, login: str, persona: str, entry: Any, today: date) -> str:
    people = _people(path)
    members = people.setdefault(persona, [])
    same = [number for number, other in enumerate(members) if _who(other) == _who(entry)]
    if same and members[same[0]] == entry:
        raise UsageProblem(f"{login} is {persona} already, exactly so: nothing was changed")
    replaces = same[0] if same else None
    if replaces is None:
        members.append(entry)
    else:
        members[replaces] = entry
    _refuse(path, people, today)
    text = _text(path)
    _write(path, people, _edited(path, people, lambda: edit.put(text, persona, entry, replaces)))
    return edit.shown(entry)


def remove(path: Path, login: str, persona: str | None, environments: Sequence[str]) -> list[str]:
    """Take `login` out of `persona` (all when None), in `environments` only when some are named; what was taken out.

    UsageProblem when they are not listed there, FactoryError while another process changes the file.
    """
    with _alone(path):
        return _remove(path, login, persona, environments)


def _remove(path: Path, login: str, persona: str | None, environments: Sequence[str]) -> list[str]:
    text, people, taken = _text(path), _people(path), set()
    for name in [persona] if persona else list(people):
        for number in reversed(range(len(people.get(name, [])))):
            entry = people[name][number]
            rest = _left(entry, name, environments)
            if _who(entry)[0] == login and rest != entry:
                taken.add(name)
                text = _edited(path, people, partial(_step, text, name, number, rest))
                people[name][number : number + 1] = [] if rest is None else [rest]
        if name in taken and not people[name]:
            people.pop(name)
    if not taken:
        raise UsageProblem(_not_listed(yaml_model.load(path, Manifest), login, persona))
    _write(path, people, text)
    return sorted(taken)


def _alone(path: Path) -> AbstractContextManager[None]:
    """Keep others from changing the file between the look and the write: the last to write would undo the rest."""
    refused = f"{path.name} is being changed by process {{holder}}; wait for it to finish, then run this again"
    return files.lock(path.parent / ".factory" / f"{path.name}.lock", refused)


def _step(text: str, persona: str, number: int, rest: Any) -> str:
    return edit.drop(text, persona, number) if rest is None else edit.put(text, persona, rest, number)


def _left(entry: Any, persona: str, environments: Sequence[str]) -> Any:
    """What stays of an entry when it is taken away in `environments`; None when nothing does."""
    if not environments:
        return None
    said = {"login": entry} if isinstance(entry, str) else dict(entry)
    there = said.get("environments") or personas.PERSONAS[persona].standing
    rest = [name for name in there if name not in environments]
    if list(there) == rest:
        return entry
    return {**said, "environments": rest} if rest else None


def _people(path: Path) -> People:
    """People as the file has them; the file is checked first."""
    yaml_model.load(path, Manifest)
    found = yaml_model.read_yaml(path).get("people") or {}
    return {persona: list(members or []) for persona, members in found.items()}


def _entry(login: str, environments: Sequence[str], until: date | None) -> Any:
    said: dict[str, Any] = {"login": login}
    if environments:
        said["environments"] = list(environments)
    if until:
        said["until"] = until
    return login if said.keys() == {"login"} else said


def _who(entry: Any) -> tuple[str, tuple[str, ...]]:
    """Login and environments, by which an entry is known."""
    if isinstance(entry, str):
        return entry, ()
    return str(entry["login"]), tuple(entry.get("environments") or ())


def _with(path: Path, people: People) -> Manifest:
    values = yaml_model.read_yaml(path)
    values["people"] = people
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        raise UsageProblem(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def _refuse(path: Path, people: People, today: date) -> None:
    """UsageProblem with the first rule that the new list would break."""
    manifest = _with(path, people)
    for environment in names.ENVIRONMENTS:
        for violation in people_violations(manifest, environment, today):
            raise UsageProblem(str(violation))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _edited(path: Path, people: People, change: Callable[[], str]) -> str:
    try:
        return change()
    except (edit.NotEditable, yaml.YAMLError, LookupError):
        raise _by_hand(path, people) from None


def _write(path: Path, people: People, text: str) -> None:
    """Replace the file by `text`, if that says exactly what is wanted."""
    wanted = _with(path, people)
    try:
        found = Manifest.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError):
        found = None
    if found != wanted:
        raise _by_hand(path, people)
    files.write(path, text, path.stat().st_mode & 0o777)


def _by_hand(path: Path, people: People) -> FactoryError:
    said = "; ".join(f"{persona}: [{', '.join(map(edit.shown, members))}]" for persona, members in people.items())
    return FactoryError(
        f"{path.name} is written in a way that cannot be edited here: under people write {said or 'nobody'}"
    )


def _not_listed(manifest: Manifest, login: str, persona: str | None) -> str:
    if login == manifest.owner:
        return f"{login} is the owner: let owner: in factory.yaml name somebody else"
    for environment in names.ENVIRONMENTS:
        if login in manifest.settings(environment).approvers:
            return f"{login} approves in {environment}: take them out of environments.{environment}.approvers"
    return f"{login} is not listed{f' as {persona}' if persona else ''}: factory person list shows who is"
