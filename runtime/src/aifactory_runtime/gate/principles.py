"""The six principles of responsible AI, each with a technical check of a candidate, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aifactory_runtime.gate import calibration, fairness, stability, stress
from aifactory_runtime.gate.chance import MOST_P
from aifactory_runtime.gate.evidence import Evidence

NAME = "principles"
SLICES = "slices"
Result = Literal["held", "failed", "not checked"]
Parts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Facts:
    """What is known of a run beside the parts of its report."""

    chance: float
    """How often chance does as well on the test rows."""
    owner: str
    commit: str
    dirty: bool
    """Whether files were changed that are not committed."""
    classification: str
    """Of the data, as factory.yaml has it."""
    background: Literal["none", "made up", "real"]
    """What the rows are that the model keeps to be explained against."""
    trusted_types: Sequence[str] = ()


@dataclass(frozen=True)
class Principle:
    """One principle: what was checked, whether it held, and by which figures or why not."""

    principle: str
    check: str
    result: Result
    found: str


def of(parts: Parts, facts: Facts) -> Evidence:
    """The table, one row a principle. It refuses nothing: parts do that, by the limits of their settings."""
    found = [
        _fairness(parts.get(fairness.NAME, {})),
        _reliability(parts, facts),
        _privacy(facts),
        _inclusiveness(parts.get(SLICES, {})),
        _transparency(parts.get(stability.NAME, {})),
        _accountability(facts),
    ]
    return Evidence(NAME, {"found": [vars(one) for one in found]})


def _fairness(part: Mapping[str, Any]) -> Principle:
    metric, limit = part.get("metric"), part.get("limit")
    about = ("Fairness", f"{metric or 'answers'} of groups of people differs by no more than the limit")
    if not part.get("columns"):
        return Principle(*about, "not checked", fairness.NOT_NAMED)
    judged = [one for one in part["found"] if one["metric"] == metric and one["value"] is not None]
    if not judged:
        return Principle(*about, "not checked", "; ".join(part["notes"]) or "too few rows")
    largest = max(judged, key=lambda one: one["value"])
    said = f"{metric} differs by {largest['value']:.3g} at most, between groups of {largest['column']}"
    if any(one["beyond"] for one in judged):
        return Principle(*about, "failed", f"{said}, and no chance" + ("" if limit is None else f"; limit {limit:g}"))
    if limit is None:
        return Principle(*about, "not checked", f"gate.fairness.limit is null; {said}")
    within = largest["value"] <= limit
    return Principle(*about, "held", f"{said}; limit {limit:g}" if within else f"{said}, which chance makes too")


def _reliability(parts: Parts, facts: Facts) -> Principle:
    about = ("Reliability and safety", "it is better than chance, and answers missing, extreme and unknown values")
    wrong, tried = parts.get(stress.NAME, {}).get("wrong", {}), parts.get(stress.NAME, {}).get("cases", ())
    if not facts.chance <= MOST_P:
        return Principle(*about, "failed", f"chance does as well in {100 * facts.chance:.3g} % of all cases")
    if wrong:
        name, what = next(iter(wrong.items()))
        return Principle(*about, "failed", f"{len(wrong)} of {len(tried)} cases, such as {name}: {what}")
    error = parts.get(calibration.NAME, {}).get("error")
    sure = "" if error is None else f"; probabilities lie {error:.3g} from what comes true"
    return Principle(*about, "held", f"p {facts.chance:.2g}, {len(tried)} cases of strange rows{sure}")


def _privacy(facts: Facts) -> Principle:
    about = ("Privacy and security", "it keeps no row of data that are not public, and loading it runs no foreign code")
    if facts.background == "real" and facts.classification != "public":
        said = f"background rows are of the table, whose data are {facts.classification}"
        return Principle(*about, "failed", said)
    if facts.trusted_types:
        said = f"conf trusts classes beside scikit-learn's: {', '.join(facts.trusted_types)}; who reviews conf decides"
        return Principle(*about, "not checked", said)
    return Principle(*about, "held", f"data are {facts.classification}, background rows: {facts.background}; no pickle")


def _inclusiveness(part: Mapping[str, Any]) -> Principle:
    about = ("Inclusiveness", "it is worse for no part of the rows than what it is held against")
    found = part.get("found", ())
    judged = [one for one in found if one["candidate"] is not None]
    if not judged:
        why = "; ".join(part.get("notes", ())) or "no column is cut: name some in gate.slices.columns"
        return Principle(*about, "not checked", f"no part has enough rows: {why}" if found else why)
    worse, few = [one["name"] for one in judged if one["worse"]], [one["name"] for one in found if one["few"]]
    if worse:
        return Principle(*about, "failed", f"worse than the {part['against']} and no chance: {', '.join(worse[:5])}")
    rest = f"; too few rows to judge {', '.join(few[:5])}" if few else ""
    return Principle(*about, "held", f"{len(judged)} slices beside the {part['against']}{rest}")


def _transparency(part: Mapping[str, Any]) -> Principle:
    about = ("Transparency", "its answers are explained, and explanations do not depend on chance")
    agreement, least = part.get("agreement"), part.get("least")
    if agreement is None:
        return Principle(*about, "not checked", "; ".join(part.get("notes", ())) or "nothing was explained")
    held = agreement >= (stability.MILD if least is None else least)
    said = f"two explanations of {part['rows']} rows agree by {agreement:.3g}"
    return Principle(*about, "held" if held else "failed", said)


def _accountability(facts: Facts) -> Principle:
    about = ("Accountability", "its owner is named, and its code is a commit that anybody can read")
    if facts.dirty:
        return Principle(*about, "failed", f"files were changed after commit {facts.commit[:12]}: commit, then run")
    return Principle(*about, "held", f"owner {facts.owner}, commit {facts.commit[:12]}")
