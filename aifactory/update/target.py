"""`factory target`: a repo goes to another target, its answer, its manifest and the files that follow together."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from aifactory.git import attempt, git
from aifactory.home import Home
from aifactory.provision import applied
from aifactory.update import answers, versions
from aifactory.update.plan import Plan, Say
from aifactory.update.update import refuse_open, refuse_unready, update
from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.project import MANIFEST
from aifactory_runtime.contract import Manifest, addresses, names
from aifactory_runtime.errors import FactoryError, UsageProblem

_QUESTIONS = "questions/delivery.yml"
_TARGET = re.compile(r"^target:.*\n", re.MULTILINE)
_PLATFORM = re.compile(r"^platform:.*\n", re.MULTILINE)


def change(
    repo: Path, target: str, platform: str | None, *, home: Home, variables: Mapping[str, str], say: Say
) -> Plan:
    """Commit target and platform in answers and manifest, then stage the files that follow, as an update does.

    UsageProblem or FactoryError, with nothing changed, when an environment stands, when the template knows no targets,
    or when something is in the way of an update.
    """
    manifest = yaml_model.load(repo / MANIFEST, Manifest)
    _check(manifest, target, platform)
    _refuse_standing(manifest, home)
    refuse_open(repo)
    refuse_unready(repo)
    way = versions.find(repo, None, None, variables)
    asked = attempt(way.source.folder, "show", f"{way.new}:{_QUESTIONS}")
    if b"\ntarget:" not in asked.stdout:
        raise UsageProblem(
            f"{way.new_name} of the template knows no target but this machine: factory update --to one that does"
        )
    _write(repo, target, platform)
    git(repo, "commit", "--quiet", "--no-verify", "--message", f"Run on {target}", "--", MANIFEST, answers.FILE)
    say(f"committed: {MANIFEST} and {answers.FILE} say target: {target}")
    return update(repo, None, None, variables, say)


def _check(manifest: Manifest, target: str, platform: str | None) -> None:
    if (target, platform) == (manifest.target, manifest.platform):
        raise UsageProblem(f"{manifest.use_case} has target: {target} already; nothing was changed")
    if target == names.LOCAL and platform is not None:
        raise UsageProblem("target local has no platform: leave --platform out")
    if target != names.LOCAL and platform is None:
        raise UsageProblem(
            f"target {target} needs --platform, the address where the platform wrote its outputs: --platform s3://bucket"
        )
    try:
        addresses.check(platform or "")
    except ValueError as error:
        raise UsageProblem(f"--platform: {error}") from None


def _refuse_standing(manifest: Manifest, home: Home) -> None:
    """What stands is the old target's: the engine would take it for the new one's, and remove it."""
    standing = [where for case, where in applied.use_cases(home) if case == manifest.use_case]
    if standing:
        raise FactoryError(
            f"{manifest.use_case} stands in {', '.join(standing)} on {manifest.target}: keep what you need of it "
            f"(factory backup), then factory destroy {' '.join(standing)}, then this again"
        )


def _write(repo: Path, target: str, platform: str | None) -> None:
    """Both files, or none when the manifest would not be valid."""
    before = (repo / MANIFEST).read_text(encoding="utf-8")
    said = f"target: {target}\n" + (f"platform: {json.dumps(platform)}\n" if platform else "")
    text, found = _TARGET.subn(lambda _: said, _PLATFORM.sub("", before), count=1)
    (repo / MANIFEST).write_text(text if found else f"{text.rstrip()}\n{said}", encoding="utf-8")
    try:
        yaml_model.load(repo / MANIFEST, Manifest)
    except UsageProblem:
        (repo / MANIFEST).write_text(before, encoding="utf-8")
        raise
    path = repo / answers.FILE
    kept = _TARGET.sub("", _PLATFORM.sub("", path.read_text(encoding="utf-8")))
    path.write_text(
        kept + ("" if target == names.LOCAL else f"platform: {json.dumps(platform)}\ntarget: {target}\n"),
        encoding="utf-8",
    )
