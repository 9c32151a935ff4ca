"""The rules of a live test that stand in the repo: kept when it begins, held against the repo at each look."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from aifactory_runtime.contract import trial
from aifactory_runtime.contract.kpi import Kpi, Says
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory_runtime.config.project import Project
    from aifactory_runtime.contract import Manifest
    from aifactory_runtime.release.live_test import Record

MOST = 100_000
"""Characters of kpi.py that the registry can keep."""
_TIMES = ("period", "wait", "longest", "timeout", "latency")
OLD = (
    "it began before rules were kept with a test: labels, KPI and kpi.py are those of factory.yaml and the repo as "
    "they are now"
)


class StatedKpi(msgspec.Struct, frozen=True):
    """`kpi` of the manifest as it was; see `contract.kpi.Kpi`."""

    name: str
    direction: Literal["up", "down"]
    margin: float
    field: str | None = None
    sha256: str | None = None
    """Of kpi.py, whose text is kept beside the record; none where labels bring the figure."""


class Kept(msgspec.Struct, frozen=True):
    """What the repo said when a test began. Seconds for times; no later edit changes any of it."""

    problem: Literal["classification", "regression"]
    label_key: str | None
    label_wait: float
    kpi: StatedKpi | None = None

    @property
    def labels(self) -> Labels:
        """How labels find their predictions."""
        return Labels(key=self.label_key, wait=self.label_wait)

    @property
    def stated_kpi(self) -> Kpi | None:
        """The KPI, if there is one."""
        if self.kpi is None:
            return None
        return Kpi(name=self.kpi.name, direction=self.kpi.direction, margin=self.kpi.margin, field=self.kpi.field)


def of(project: Project) -> tuple[Kept, str | None]:
    """The rules as the repo states them now, and the text of kpi.py where it works out the KPI.

    UsageProblem where it is to and is not there.
    """
    manifest = project.manifest
    source = _kpi_source(project) if manifest.kpi is not None and manifest.kpi.field is None else None
    if source is not None and len(source) > MOST:
        raise UsageProblem(f"{project.science.place('kpi')} has over {MOST:,} characters: make it shorter")
    return _kept(manifest, source), source


def _kpi_source(project: Project) -> str:
    place = project.science.place("kpi")
    try:
        source = (project.root / place).read_text(encoding="utf-8")
        ast.parse(source)
    except FileNotFoundError:
        raise project.science.without_kpi() from None
    except (SyntaxError, ValueError) as error:
        raise UsageProblem(f"{place}, line {getattr(error, 'lineno', 1)}: {error}: mend it") from None
    return source


def _kept(manifest: Manifest, source: str | None) -> Kept:
    sha256 = None if source is None else digest(source)
    kpi = None if manifest.kpi is None else StatedKpi(**manifest.kpi.model_dump(), sha256=sha256)
    return Kept(manifest.problem, manifest.labels.key, manifest.labels.wait, kpi)


def digest(source: str) -> str:
    """SHA-256 of the text of kpi.py."""
    return hashlib.sha256(source.encode()).hexdigest()


def says(rules: Kept, source: str | None, project: Project) -> Says | None:
    """The KPI that is worked out by the rules of a test; None where labels bring it, or none is named.

    `source` is the text that was kept; without it, for a test from before there was one, kpi.py as it is now.
    FactoryError where it is not the one that the test began with.
    """
    if rules.kpi is None or rules.kpi.field is not None:
        return None
    if source is not None and digest(source) != rules.kpi.sha256:
        raise FactoryError(
            "the kpi.py that was kept with the live test is not the one that it began with: livetest stop, then try "
            "the version again with release --version"
        )
    return project.science.kpi(source)


def changes(record: Record, source: str | None, project: Project) -> str:
    """In one line what the repo says otherwise than the test, whose rules hold; empty where nothing differs.

    `source` is the text of kpi.py that was kept with it.
    """
    if record.rules is None:
        return OLD
    now = _now(project, record.rules)
    then = _flat(record.rules) | _tried(record)
    asked = _flat(now) | _asked(project.manifest, project.environment.contract.environment, record)
    both = [key for key in then if key in asked]
    told = [
        f"{key} is {_word(key, asked[key])}, was {_word(key, then[key])}" for key in both if asked[key] != then[key]
    ]
    told += _of_kpi_file(record.rules.kpi, now.kpi)
    said = f"its rules stay as they were when it began; since then: {'; '.join(told)}" if told else ""
    borrowed = imported(source, project.science.package) if source else []
    if not borrowed:
        return said
    also = f"kpi.py takes {', '.join(borrowed)} of the repo as it is now"
    return f"{said}; {also}" if said else also


def _now(project: Project, rules: Kept) -> Kept:
    """What the repo states now; kpi.py is only read where the test has one."""
    if rules.kpi is None or rules.kpi.sha256 is None:
        return _kept(project.manifest, None)
    try:
        return of(project)[0]
    except UsageProblem:
        return _kept(project.manifest, None)


def imported(source: str, package: str) -> list[str]:
    """Modules of the repo's own package that the text of kpi.py imports, which are not kept with it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            named = f"{package}.{node.module}" if node.level and node.module else node.module or package
            found |= {f"{named}.{one.name}" for one in node.names} if named == package else {named}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return sorted(one for one in found if one == package or one.startswith(f"{package}."))


def _of_kpi_file(then: StatedKpi | None, now: StatedKpi | None) -> list[str]:
    if then is None or then.sha256 is None or now is None or now.field is not None or now.sha256 == then.sha256:
        return []
    return ["kpi.py is another" if now.sha256 else "kpi.py is not there"]


def _flat(rules: Kept) -> dict[str, object]:
    """By key of the manifest; what is said of a KPI only where there is one."""
    named: dict[str, object] = {
        "problem": rules.problem,
        "labels.key": rules.label_key,
        "labels.wait": rules.label_wait,
    }
    if rules.kpi is None:
        return named | {"kpi": None}
    said = {f"kpi.{key}": getattr(rules.kpi, key) for key in ("direction", "margin", "field")}
    return named | {"kpi": rules.kpi.name} | said


def _tried(record: Record) -> dict[str, object]:
    """How the test is run, by key of the manifest."""
    return {
        "trial.kind": record.kind,
        "trial.share": record.share,
        "trial.period": record.period,
        "trial.labels": record.labels,
        "trial.wait": record.wait,
        "trial.longest": record.longest - record.extended,
        "trial.timeout": record.timeout,
        "trial.proxies": _named(record.stated_proxies),
        "trial.guards.errors": record.errors,
        "trial.guards.latency": record.latency,
    }


def _asked(manifest: Manifest, environment: str, record: Record) -> dict[str, object]:
    """The same as the manifest asks for it now; with `direct` all else of it means nothing."""
    stated = manifest.settings(environment).trial
    if stated.kind == "direct":
        return _tried(record) | {"trial.kind": stated.kind}
    return {
        "trial.kind": stated.kind,
        "trial.share": stated.share if stated.kind == "ab" else 0.0,
        "trial.period": stated.period,
        "trial.labels": stated.labels,
        "trial.wait": max(stated.wait, manifest.labels.wait),
        "trial.longest": stated.longest,
        "trial.timeout": stated.timeout,
        "trial.proxies": _named(stated.proxies),
        "trial.guards.errors": stated.guards.errors,
        "trial.guards.latency": stated.guards.latency,
    }


def _named(proxies: Sequence[trial.Proxy]) -> str | None:
    return ", ".join(f"{one.name} {one.direction} by {one.margin:g}" for one in proxies) or None


def _word(key: str, value: object) -> str:
    if value is None:
        return "not named"
    if isinstance(value, float):
        return trial.written(value) if key.rpartition(".")[2] in _TIMES else f"{value:.10g}"
    return str(value)
