"""The science digest: what a model is trained with, apart from data. Equal digests on equal data are the same training.

In it: everything in the use case's own package, the sections data, train and gate of every file of settings, the
problem, and the science lock. The versions of numeric packages are kept beside it: other ones may, but need not, make
another model. Nothing else counts: README, docs, tests, CI, the rest of factory.yaml, the runtime and the image may
change, and nothing is trained for it. A folder and a commit give the same, whatever their line ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.config import layout, yaml_model
from aifactory_runtime.contract import names
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reproduction import science_files
from aifactory_runtime.pipeline.reproduction.science_files import File

_CONF = tuple(f"conf/{name}.yaml" for name in ("base", names.EMBEDDED, *names.ENVIRONMENTS))
"""All of them, whatever the environment: what dev trained has the same digest in staging and prod."""
_SECTIONS = ("data", "train", "gate")
_MANIFEST = "factory.yaml"
FACTORY_LOCK, SCIENCE_LOCK = "requirements/factory.txt", "requirements/science.txt"
_FILES = (*_CONF, _MANIFEST, FACTORY_LOCK, SCIENCE_LOCK)
_NUMERIC = re.compile(r"(?:numpy|scipy|scikit-learn|lightgbm|xgboost|xgboost-cpu|pandas)==[^\s\\;]+")
"""Whose versions may change what a fit comes to; others of the factory's lock do not."""
_NUMERIC_BEFORE = re.compile(r"(?:numpy|scikit-learn|lightgbm|xgboost|pandas)==[^\s\\]+")
_WAY = "2-"
"""Begins every digest that is made as it is now. Another way to make them needs another beginning."""
_TEXT = 8_000
"""Git takes a file for text when so many of its first bytes hold no zero."""


@dataclass(frozen=True)
class Science:
    """What a folder or a commit trains with."""

    sha256: str
    """Of all of it but the numeric packages."""
    numeric: str
    """Numeric packages with their versions, as `numpy==2.4.6 scipy==1.17.1`."""
    before: str
    """The digest as releases up to 0.2.0 made it, in one piece with numeric packages; their models are known by it."""

    @property
    def digests(self) -> tuple[str, str]:
        """By which a model may name it."""
        return self.sha256, self.before

    @property
    def numeric_sha256(self) -> str:
        """Short for the numeric packages."""
        return hashlib.sha256(self.numeric.encode()).hexdigest()


def of_folder(root: Path, package: str) -> Science:
    """Science of the files at `root`: a work tree as it is now, a snapshot, an image.

    Files that git is told to ignore do not count, as no commit has them.
    """
    return _made(science_files.of_folder(root, package, _FILES), package)


def of_commit(root: Path, commit: str, package: str) -> Science | None:
    """Science of `commit` of the repo at `root`, without touching its files; None when git has it not.

    None too when its files cannot be read: an old commit cannot be mended, and must not stop what is done today.
    """
    try:
        found = science_files.of_commit(root, commit, package, _FILES)
        return None if found is None else _made(found, package)
    except UsageProblem:
        return None


def changed(before: str, now: str) -> str:
    """How numeric packages differ, for a sentence: `numpy 2.4.6 is 2.5.5 now`."""
    was, new = _versions(before), _versions(now)
    return ", ".join(
        f"{name} {was.get(name, 'that was not there')} is {new.get(name, 'gone')} now"
        for name in sorted({*was, *new})
        if was.get(name) != new.get(name)
    )


def _versions(numeric: str) -> dict[str, str]:
    """Versions by package; a lock may name more than one, each for another Python."""
    found: dict[str, str] = {}
    for pin in numeric.split():
        name, _, version = pin.partition("==")
        found[name] = f"{found[name]} or {version}" if name in found else version
    return found


def _made(found: Mapping[str, File], package: str) -> Science:
    content = {name: _lines(file.content) for name, file in found.items()}
    science, numeric = _parted(_pins(content.get(SCIENCE_LOCK)))
    numeric |= _parted(_pins(content.get(FACTORY_LOCK)))[1]
    parts = {**_written(content), "lock": science}
    return Science(_WAY + _digest(parts, content, package), " ".join(sorted(numeric)), _before(found, package))


def _before(found: Mapping[str, File], package: str) -> str:
    """The digest as it was: bytes as they are, links by where they lead; empty where there could be none."""
    content = {name: file.content if file.link is None else file.link for name, file in found.items()}
    pins = (_NUMERIC_BEFORE.match(line) for line in _pins(content.get(FACTORY_LOCK)))
    numeric = [pin.group() for pin in pins if pin]
    try:
        parts = {**_written(content), "lock": _pins(content.get(SCIENCE_LOCK)), "numeric": numeric}
    except UsageProblem:
        return ""
    return _digest(parts, content, package)


def _written(content: Mapping[str, bytes]) -> dict[str, Any]:
    """Problem and settings."""
    settings = {name: _sections(name, content[name]) for name in _CONF if name in content}
    manifest = yaml_model.parse(_text(content.get(_MANIFEST)), _MANIFEST, may_be_empty=True)
    return {
        "problem": str(manifest.get("problem")),
        "settings": {name: given for name, given in settings.items() if given},
    }


def _digest(parts: Mapping[str, Any], content: Mapping[str, bytes], package: str) -> str:
    total = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
    for name in sorted(name for name in content if name.startswith(f"{layout.SCIENCE}/{package}/")):
        total.update(b"\0%s\0%d\0" % (os.fsencode(name), len(content[name])))
        total.update(content[name])
    return total.hexdigest()


def _lines(content: bytes) -> bytes:
    """A text with the line ends that git keeps: a checkout may have others. Any other file as it is."""
    return content if b"\0" in content[:_TEXT] else content.replace(b"\r\n", b"\n")


def _sections(name: str, content: bytes) -> dict[str, Any]:
    """What a file of settings says of data, training and gate; comments and the order of keys say nothing."""
    given = yaml_model.parse(_text(content), name, may_be_empty=True)
    return {section: _plain(given[section]) for section in _SECTIONS if given.get(section)}


def _plain(value: Any) -> Any:
    """As JSON has it: keys are texts, so that they can be put in order."""
    if isinstance(value, dict):
        return {f"{type(key).__name__}:{key}": _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def _pins(lock: bytes | None) -> list[str]:
    """The lines of a lock but for comments, which say who asked for a package."""
    lines = (line.strip() for line in _text(lock).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _parted(pins: list[str]) -> tuple[list[str], set[str]]:
    """Lines of a lock without numeric packages and their hashes, and the numeric packages with their versions."""
    own, numeric, found = [], set(), None
    for line in pins:
        found = found if line.startswith("--hash") else _NUMERIC.match(line)
        if found:
            numeric.add(found.group())
        else:
            own.append(line)
    return own, numeric


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "surrogateescape")
