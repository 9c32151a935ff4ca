"""The answers file of a repo: what it was rendered from, and with which answers."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aifactory.git import attempt, git, line
from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.project import MANIFEST
from aifactory_runtime.errors import UsageProblem

FILE = ".copier-answers.yml"
_RECORDED = re.compile(r"^_(?:src_path|commit|applied):.*(?:\n[ ].*)*\n", re.MULTILINE)
_DIGITS = 12


@dataclass(frozen=True)
class AnswersFile:
    """What `.copier-answers.yml` says."""

    address: str
    """Where the template is."""
    commit: str
    """Tag, commit or `git describe` name of the template's commit."""
    given: Mapping[str, Any]
    """The answers themselves."""
    text: str
    applied: str = ""
    """What `digest` was when an update applied answers or an address without another commit of the template."""

    @property
    def digest(self) -> str:
        """Stands for address and answers."""
        said = json.dumps([self.address, self.given], sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]


def read(repo: Path) -> AnswersFile:
    """The answers file of `repo`. UsageProblem when it is missing or broken, saying how to get it back."""
    path = repo / FILE
    back = f"bring it back with git checkout HEAD -- {FILE}, or from the commit of the last update"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageProblem(f"{repo} has no {FILE}, so nobody knows what it was made from: {back}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{FILE} cannot be read ({error}): {back}") from None
    return parse(text, back)


def refuse_other_use_case(repo: Path) -> None:
    """UsageProblem when the answers name another use case than factory.yaml: its package in `src/` has one name."""
    answered, said = read(repo).given.get("use_case"), _manifests_use_case(repo)
    if None not in (answered, said) and answered != said:
        raise UsageProblem(
            f"{FILE} says use_case {answered!r}, {MANIFEST} says {said!r}, and a use case keeps its name: write the "
            "one that src/ has into both, commit, then factory update"
        )


def _manifests_use_case(repo: Path) -> Any:
    """None when factory.yaml is missing or broken, which others say."""
    try:
        return yaml_model.read_yaml(repo / MANIFEST).get("use_case")
    except UsageProblem:
        return None


def parse(text: str, back: str = "write it again") -> AnswersFile:
    """What the text of an answers file says; see `read`."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise UsageProblem(f"{FILE} is not valid YAML{where}: {back}") from None
    if not isinstance(found, dict) or any(not isinstance(found.get(key), str) for key in ("_src_path", "_commit")):
        raise UsageProblem(f"{FILE} does not say what the repo was made from (_src_path and _commit): {back}")
    given = {str(key): value for key, value in found.items() if not str(key).startswith("_")}
    return AnswersFile(found["_src_path"], found["_commit"], given, text, str(found.get("_applied", "")))


def recorded(text: str, address: str, commit: str, *, again: bool = False) -> str:
    """The text of a rendered answers file with the address and commit that the repo keeps.

    With `again` the commit is the one of before: a mark says that what the file holds was applied, not only edited.
    """
    body = _RECORDED.sub("", text)
    comments = re.match(r"(?:#.*\n)*", body)
    head = comments[0] if comments else ""
    source = address if re.fullmatch(r"[\w@:/.+~-]+", address) else json.dumps(address)
    made = f"{head}_commit: {commit}\n_src_path: {source}\n{body[len(head) :]}"
    return f"{head}_applied: '{parse(made).digest}'\n{made[len(head) :]}" if again else made


@dataclass(frozen=True)
class Applied:
    """The answers file as the last update, or the making of the repo, left it."""

    answers: AnswersFile
    certain: bool = True
    """False in a shallow clone that does not reach back to that commit."""


def applied(repo: Path, now: AnswersFile) -> Applied:
    """What was applied last; `now` may hold an address or an answer that was edited since.

    An edit is a commit that changes neither the template's commit nor the mark of `recorded`.
    """
    found = now
    if now.applied == now.digest:
        return Applied(now)
    for commit in git(repo, "log", "--format=%H", "--", FILE).decode().split():
        shown = attempt(repo, "show", f"{commit}:{FILE}")
        if shown.returncode:
            return Applied(found)
        try:
            then = parse(os.fsdecode(shown.stdout))
        except UsageProblem:
            continue
        if then.commit != now.commit:
            return Applied(found)
        found = then
        if then.applied == then.digest:
            return Applied(found)
    return Applied(found, certain=line(repo, "rev-parse", "--is-shallow-repository") != "true")
