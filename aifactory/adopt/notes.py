"""What a person should know of an adoption, beside which files go where: sentences, each with what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aifactory.adopt.rules import ASIDE, Rules
from aifactory.update import tree
from aifactory.update.tree import Tree
from aifactory_runtime.contract import names

_NEEDS = re.compile(
    r"requirements[^/]*\.(txt|in)|requirements/[^/]+\.(txt|in)|environment\.ya?ml|Pipfile|setup\.(py|cfg)"
)
_FORGES = {"azure-pipelines.yml": "azure-devops", ".gitlab-ci.yml": "gitlab"}
_WORKFLOWS = ".github/workflows/"
_PROJECT = "pyproject.toml"
_NAMING = (_PROJECT, "setup.cfg", "setup.py")


def found(repo: Path, ours: Tree, rules: Rules, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The notes for a repo whose files are `ours`."""
    return (
        *_lists(repo, ours, rules),
        *_left_out(rules),
        *_packages(repo, ours, rules, answers),
        *_ci(ours, rules, answers),
    )


def _lists(repo: Path, ours: Tree, rules: Rules) -> Iterator[str]:
    if rules.joined:
        yield f"your lines stay in {' and '.join(rules.joined)}, before the factory's"
    attributes = ours.get(".gitattributes")
    if attributes and b"filter=" in tree.content(repo, attributes.blob):
        yield "a filter of .gitattributes (LFS) may be meant for files that were added: git add --renormalize ."


def _left_out(rules: Rules) -> Iterator[str]:
    for path, own in rules.left_out.items():
        if path == "README.md":
            yield f"{own} stays yours, and ours is left out: make help lists what there is now"
        else:
            yield f"{own} stays yours, and ours is left out: add who reviews /factory.yaml, /conf/ and /vendor/"
    if "Makefile" in rules.aside:
        yield f"targets of your Makefile that you still want: put them into local.mk, from {ASIDE}/Makefile"


def _packages(repo: Path, ours: Tree, rules: Rules, answers: Mapping[str, Any]) -> Iterator[str]:
    needs = [path for path in sorted(ours) if _NEEDS.fullmatch(path)]
    needs += [path for path in _NAMING if path in ours and _names_packages(path, tree.content(repo, ours[path].blob))]
    if needs:
        science = f"src/{names.package(str(answers['use_case']))}/"
        yield f"of {', '.join(needs)}, what {science} needs goes into requirements/science.in, then make lock setup"
    if (repo / ".venv").exists():
        yield ".venv is here already: make setup puts the locked packages into it and takes all others out"
    own = sorted(path.partition("/")[0] for path in ours if path.count("/") == 1 and path.endswith("/__init__.py"))
    own = [folder for folder in own if f"{folder}/__init__.py" not in rules.aside]
    if own and (_PROJECT in rules.aside or "setup.py" in ours):
        yield f"{', '.join(own)}: make setup does not install it; below src/ it can be imported everywhere"


def _ci(ours: Tree, rules: Rules, answers: Mapping[str, Any]) -> Iterator[str]:
    for path, forge in _FORGES.items():
        if path in ours and answers["forge"] != forge:
            yield f"{path} is here, but CI is made for {answers['forge']}: --answer forge={forge} if it is the forge"
    own = [path for path in ours if path.startswith(_WORKFLOWS) and path not in rules.aside]
    if own:
        yield f"your own CI stays, and may miss what was set aside: {', '.join(sorted(own))}"


def _names_packages(path: str, text: bytes) -> bool:
    """Whether a project's file names packages: as the standard or poetry write them, or setuptools."""
    if path != _PROJECT:
        return b"install_requires" in text
    try:
        content = tomllib.loads(text.decode())
    except ValueError:
        return False
    tool = content.get("tool", {}).get("poetry", {})
    return bool(content.get("project", {}).get("dependencies") or tool.get("dependencies"))
