"""The model a release is about: found in its source environment, held against the code of its commit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime.config import project, yaml_model
from aifactory_runtime.config.project import MANIFEST
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import older_rules
from aifactory_runtime.pipeline.reproduction import same_science
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import GATE, GATE_PASSED, PREFIX, REPORT_SHA256, Version
from aifactory_runtime.release import tags
from aifactory_runtime.release.machine import GATE_REFUSED
from aifactory_runtime.release.side import Side

NOT_COMMITTED = "it was trained from files that are not committed: commit them and train again"


@dataclass(frozen=True)
class Candidate:
    """A registered version of the source environment, with the commit of code that it is released with."""

    source: Side
    version: Version
    code: str | None = None
    """That commit; None takes the one that the model was trained from."""

    @property
    def sha256(self) -> str:
        """Digest of the model folder."""
        return self.version.model_sha256

    @property
    def trained_from(self) -> str:
        """Commit that the model was trained from."""
        return self.tag(tags.COMMIT)

    @property
    def commit(self) -> str:
        """Commit of the code that is released."""
        return self.code or self.trained_from

    @property
    def tested_here(self) -> str | None:
        """Digest of the integration test's report, if it passed with this code."""
        passed = self.version.tags.get(tags.INTEGRATION)
        return passed if self.version.tags.get(tags.TESTED_WITH, self.trained_from) == self.commit else None

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"version {self.version.number} of {self.source.name}"

    def tag(self, key: str) -> str:
        """Value of a tag that `register` writes; FactoryError when this version has none."""
        try:
            return self.version.tags[key]
        except KeyError:
            raise FactoryError(f"{self.name} has no tag {key}: register it again with the pipeline") from None


def misfit(candidate: Candidate) -> str | None:
    """Why code or lock do not belong to the candidate, in a sentence; None when they do."""
    source, found = candidate.source, candidate.version.tags
    root, package = source.project.root, source.project.manifest.package
    if source.embedded:
        return same_science.why_not(found, same_science.here(root, package), root, package)
    if candidate.tag(tags.DIRTY) != "false":
        return NOT_COMMITTED
    there = same_science.here(source.snapshots.extract(root, candidate.commit), package)
    if candidate.commit != candidate.trained_from:
        return same_science.why_not(found, there, root, package)
    if (candidate.tag(tags.CODE), candidate.tag(tags.LOCK)) != (there.code_sha256, there.lock_sha256):
        return f"code or locks in its commit {candidate.commit[:12]} are not what it was trained with: train again"
    return None


def unlike(candidate: Candidate, folder: Path) -> str | None:
    """Why the model's files in `folder` are not what registration and commit say of them; None when they are."""
    belongs, schema = model_folder.read_belongs(folder), model_folder.read_schema(folder)
    said = {
        tags.COMMIT: belongs.commit,
        tags.CODE: belongs.code_sha256,
        tags.LOCK: belongs.lock_sha256,
        tags.SCHEMA: belongs.schema_sha256,
        **({} if belongs.science_sha256 is None else {tags.SCIENCE: belongs.science_sha256}),
    }
    for key, value in said.items():
        if candidate.tag(key) != value:
            return f"its files belong to another {key.removeprefix(PREFIX)} than its registration says: train again"
    source = candidate.source
    root = source.project.root if source.embedded else source.snapshots.of(candidate.commit)
    problem = yaml_model.load(root / MANIFEST, Manifest).problem
    if belongs.problem != problem:
        return f"it is a {belongs.problem}, but factory.yaml of its commit says problem: {problem}: train again"
    if bool(schema.classes) != (problem == "classification"):
        return f"its input schema names {len(schema.classes)} classes, which is none of a {problem}: train again"
    return None


def gate_refusal(chosen: Candidate, say: Callable[[str], None]) -> str | None:
    """Why the gate's verdict keeps the candidate back, None when it passed.

    Versions from before the verdict was a tag have only the digest of the gate's report; that counts, and it is said.
    """
    found = chosen.version.tags
    if GATE not in found and found.get(REPORT_SHA256):
        say(f"{chosen.name} was registered before the gate's verdict was a tag: it has a gate report, so it passed")
        return None
    if found.get(GATE) == GATE_PASSED:
        return None
    return GATE_REFUSED


def say_left_out(chosen: Candidate, say: Callable[[str], None]) -> None:
    """Tell the owner of a model from before equal rows counted that its probabilities may be wrong."""
    trained_in, run = chosen.version.trained(chosen.source.name)
    contract = chosen.source.contract
    with suppress(FactoryError):  # an environment that is not known here has no report here either
        if trained_in != chosen.source.name:
            contract = project.load(chosen.source.project.root, trained_in).environment.contract
        if note := older_rules.note(chosen.name, Path(contract.artifact_uri), run):
            say(note)
