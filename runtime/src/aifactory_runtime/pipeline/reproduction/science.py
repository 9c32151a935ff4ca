"""The science digest: what a model is trained with, apart from data. Equal digests on equal data are the same training.

In it: everything in the use case's own package, the sections data, train and gate of every file of settings, the
problem, the science lock, and the versions of the numeric packages. Nothing else: README, docs, tests, CI, the rest of
factory.yaml, the runtime and the image may change, and nothing is trained for it. A folder and a commit give the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aifactory_runtime.config import layout, yaml_model
from aifactory_runtime.contract import names
from aifactory_runtime.errors import UsageProblem

_CONF = tuple(f"conf/{name}.yaml" for name in ("base", names.EMBEDDED, *names.ENVIRONMENTS))
"""All of them, whatever the environment: what dev trained has the same digest in staging and prod."""
_SECTIONS = ("data", "train", "gate")
_MANIFEST = "factory.yaml"
FACTORY_LOCK, SCIENCE_LOCK = "requirements/factory.txt", "requirements/science.txt"
_FILES = (*_CONF, _MANIFEST, FACTORY_LOCK, SCIENCE_LOCK)
_NUMERIC = re.compile(r"(?:numpy|scikit-learn|lightgbm|xgboost|pandas)==[^\s\\]+")
"""Whose versions change what a fit comes to; others of the factory's lock do not."""


def of_folder(root: Path, package: str) -> str:
    """Science digest of the files at `root`: a work tree as it is now, a snapshot, an image.

    Files that git is told to ignore do not count, as no commit has them.
    """
    found = {name: _read(root / name) for name in (*_package_files(root, package), *_FILES)}
    return _digest({name: content for name, content in found.items() if content is not None}, package)


def of_commit(root: Path, commit: str, package: str) -> str | None:
    """Science digest of `commit` of the repo at `root`, without touching its files; None when git has it not.

    None too when its settings cannot be read: an old commit cannot be mended, and must not stop what is done today.
    """
    try:
        return _of_commit(root, commit, package)
    except UsageProblem:
        return None


def _of_commit(root: Path, commit: str, package: str) -> str | None:
    top = _git(root, "rev-parse", "--show-prefix", "--verify", "--quiet", f"{commit}^{{commit}}")
    listed = _git(root, "ls-tree", "-r", "-z", commit, "--", f"src/{package}", *_FILES) if top is not None else None
    if top is None or listed is None:
        return None
    prefix = os.fsdecode(top.split(b"\n", 1)[0])
    wanted = {}
    for entry in filter(None, os.fsdecode(listed).split("\0")):
        about, _, name = entry.partition("\t")
        _, kind, blob = about.split()
        if kind == "blob" and _counts(name):
            wanted[name] = blob
    contents = _contents(root, {f"{prefix}{name}": blob for name, blob in wanted.items()})
    return _digest(dict(zip(wanted, contents, strict=True)), package) if len(contents) == len(wanted) else None


def _contents(root: Path, wanted: Mapping[str, str]) -> list[bytes]:
    """The blobs of the files `wanted`, as a work tree has them: .gitattributes may speak of line ends and filters.

    Of a blob that is missing there is nothing. Git gives its size before filters, so a line that no file holds parts
    one from the next.
    """
    line = secrets.token_hex(16)
    asked = "".join(f"{blob} {name}\n" for name, blob in wanted.items())
    given = _git(root, "cat-file", f"--batch={line}", "--filters", given=os.fsencode(asked)) or b""
    return [content.removesuffix(b"\n") for content in given.split(line.encode() + b"\n")[1:]]


def _package_files(root: Path, package: str) -> list[str]:
    """Names of the package's files, relative to `root`."""
    place = root / "src" / package
    listed = None
    if not layout.is_snapshot(root):
        command = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f"src/{package}")
        listed = _git(root, *command)
    if listed:
        found = {name for name in os.fsdecode(listed).split("\0") if name}
    else:  # a snapshot or an image: files of a commit, without git
        found = {path.relative_to(root).as_posix() for path in place.rglob("*") if path.is_symlink() or path.is_file()}
    return [name for name in found if _counts(name)]


def _counts(name: str) -> bool:
    """Whether a file is part of the package: what Python compiled is not. UsageProblem where git cannot be asked."""
    if "\n" in name:
        raise UsageProblem(f"the name of {name!r} holds a line break: rename the file")
    return not name.endswith(".pyc")


def _read(path: Path) -> bytes | None:
    """Content of a file, of a link where it leads; None where there is no file."""
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else None


def _digest(found: Mapping[str, bytes], package: str) -> str:
    settings = {name: _sections(name, found[name]) for name in _CONF if name in found}
    parts = {
        "problem": str(yaml_model.parse(_text(found.get(_MANIFEST)), _MANIFEST, may_be_empty=True).get("problem")),
        "settings": {name: given for name, given in settings.items() if given},
        "lock": _pins(found.get(SCIENCE_LOCK)),
        "numeric": [line for line in map(_numeric, _pins(found.get(FACTORY_LOCK))) if line],
    }
    total = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
    for name in sorted(name for name in found if name.startswith(f"src/{package}/")):
        total.update(b"\0%s\0%d\0" % (os.fsencode(name), len(found[name])))
        total.update(found[name])
    return total.hexdigest()


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


def _numeric(line: str) -> str | None:
    found = _NUMERIC.match(line)
    return found.group() if found else None


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "surrogateescape")


def _git(root: Path, *arguments: str, given: bytes | None = None) -> bytes | None:
    """What git says; None when it refuses or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
