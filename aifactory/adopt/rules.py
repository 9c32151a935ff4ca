"""What an adoption does to each file: rules over two trees, the repo as it is and what is rendered for it. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from aifactory.update import answers as answers_file
from aifactory.update.rules import parents
from aifactory.update.tree import SUBMODULE, Tree
from aifactory_runtime.contract import names
from aifactory_runtime.contract.installed import IMPORT_NAMES
from aifactory_runtime.errors import UsageProblem

ASIDE = "before-factory"
"""Where an owner's files lie whose place is taken, or which would change how the factory's tools work."""
LINTER = "ruff.toml"
"""The owner's file of ruff, which an adoption writes."""
JOINED = (".gitignore", ".gitattributes")
"""Lists in which the owner's lines stay: without them git would take in what it was told not to."""

_TESTS = "tests/"
_CODEOWNERS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_RUFF = (".ruff.toml", LINTER)
_IN_THE_WAY = "the factory has files there"
_RUNS = "they would run under the factory's settings"
_SETTINGS = {
    **dict.fromkeys(("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "conftest.py"), "pytest reads them"),
    **dict.fromkeys(("mypy.ini", ".mypy.ini"), "mypy reads them"),
    **dict.fromkeys(_RUFF, "ruff reads them"),
    **dict.fromkeys(("GNUmakefile", "makefile", "local.mk", "image/extra.sh"), "make reads them"),
    **dict.fromkeys((f"conf/{one}.yaml" for one in (*names.ENVIRONMENTS, names.EMBEDDED)), "the pipeline reads them"),
}
"""Files that a tool reads before the factory's, or beside them, and why that is."""
_PYTHON = (".py", ".pyi", ".ipynb")
_PROJECT = "pyproject.toml"


@dataclass(frozen=True)
class Rules:
    """What becomes of every file."""

    added: tuple[str, ...]
    """Paths that the repo gets; some take the place of a file that is set aside."""
    aside: Mapping[str, str]
    """Why a file of the owner's is moved below `ASIDE`, by its path."""
    left_out: Mapping[str, str]
    """The owner's file that stays, by the rendered path that is left out for it."""
    unlinted: tuple[str, ...]
    """The owner's files and folders that ruff is to leave alone, as paths."""

    @property
    def joined(self) -> tuple[str, ...]:
        """Lists that get the factory's lines after the owner's."""
        return tuple(path for path in JOINED if path in self.aside)


def refuse(ours: Collection[str], use_case: str) -> None:
    """UsageProblem when the paths of a repo say that it cannot be adopted as `use_case`."""
    if answers_file.FILE in ours:
        raise UsageProblem(
            f"this repo follows a template already ({answers_file.FILE}): factory update; or take that file out of it, "
            "if the template is another one"
        )
    taken = next((path for path in sorted(ours) if path == ASIDE or path.startswith(f"{ASIDE}/")), None)
    if taken:
        raise UsageProblem(f"{taken} is there, where files are set aside: move it to another place, commit, again")
    package = names.package(use_case)
    alone = {f"src/{package}.py", f"{package}.py", f"{package}/__init__.py"}
    hidden = next((path for path in sorted(ours) if path in alone or path.startswith(f"src/{package}/")), None)
    if hidden:
        raise UsageProblem(
            f"{hidden} is yours, and the factory's package would have the same name: adopt the repo under another one, "
            f"such as factory adopt {use_case}-model"
        )


def plan(ours: Tree, rendered: Tree, table: str | None) -> Rules:
    """The rules for a repo that `refuse` lets pass; `table` is the path of its table where that is in the repo.

    UsageProblem when what would have to be set aside cannot be: a submodule, or the table.
    """
    left_out = dict(_left_out(ours, rendered))
    same = {path for path, entry in rendered.items() if ours.get(path) == entry}
    coming = {path: entry for path, entry in rendered.items() if path not in left_out and path not in same}
    aside = dict(sorted(_aside([path for path in ours if path not in same], coming)))
    for path, why in aside.items():
        if ours[path].mode == SUBMODULE:
            raise UsageProblem(f"the submodule {path} cannot stay there ({why}): move it, commit, again")
        if table and f"{path}/".startswith(f"{table}/"):
            raise UsageProblem(f"the table cannot stay at {path} ({why}): move it, commit, again")
    staying = [path for path in ours if path not in aside]
    unlinted = sorted(_unlinted(staying, aside))
    added = {*coming, LINTER} if unlinted else {*coming}
    return Rules(tuple(sorted(added)), aside, left_out, tuple(unlinted))


def _left_out(ours: Tree, rendered: Tree) -> Iterator[tuple[str, str]]:
    """Pairs: a rendered path, and the owner's file that stands for it."""
    readme = next((path for path in sorted(ours) if path.lower().partition(".")[0] == "readme"), None)
    owners = next((path for path in _CODEOWNERS if path in ours), None)
    for path in rendered:
        own = readme if path == "README.md" else owners if path in _CODEOWNERS else None
        if own is not None:
            yield path, own


def _aside(ours: Collection[str], coming: Tree) -> Iterator[tuple[str, str]]:
    """Pairs: a path to set aside, and why."""
    folders = {parent for path in coming for parent in parents(path)}
    with_python = {parent for path in coming if path.endswith(_PYTHON) for parent in parents(path)}
    for path in ours:
        top = path.partition("/")[0].removesuffix(".py")
        folder, _, name = path.rpartition("/")
        if path in coming or path in folders or not coming.keys().isdisjoint(parents(path)):
            yield path, _IN_THE_WAY
        elif path.startswith(_TESTS):
            yield path, _RUNS
        elif path in _SETTINGS:
            yield path, _SETTINGS[path]
        elif folder in with_python and name in (*_RUFF, _PROJECT):
            yield path, "ruff reads them"
        elif top in IMPORT_NAMES and not {f"{top}.py", f"{top}/__init__.py"}.isdisjoint(ours):
            yield path, f"it hides the package {top}, which the pipeline imports"


def _unlinted(staying: Iterable[str], aside: Collection[str]) -> set[str]:
    """What ruff would lint of the owner's: file by file, or a folder that brings rules of its own."""
    with_rules = {folder for path in staying if (folder := _ruled_folder(path))}
    found = {ASIDE} if aside else set()
    for path in staying:
        above = [parent for parent in parents(path) if parent in with_rules]
        if above:
            found.add(above[-1])
        elif path.endswith(_PYTHON):
            found.add(path)
    return found


def _ruled_folder(path: str) -> str:
    """The folder below the top that a file gives rules of ruff; empty for another file."""
    folder, _, name = path.rpartition("/")
    return folder if name in (*_RUFF, _PROJECT) else ""
