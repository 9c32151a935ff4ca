"""The champion as it was released: its model with the features of its own code, so that new ones are judged fairly."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aifactory_runtime.config import layout
from aifactory_runtime.data import declared, split
from aifactory_runtime.data.tables import PREPARED, REFERENCE
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.pipeline import arrays, labelled_window, scores
from aifactory_runtime.pipeline.arrays import Features
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.labelled_window import Newest
from aifactory_runtime.pipeline.reads import Reads, listed
from aifactory_runtime.pipeline.reproduction import checkout, provenance, same_science
from aifactory_runtime.pipeline.reproduction.same_science import Likeness
from aifactory_runtime.registry import answers, model_folder
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.model_folder import Belongs
from aifactory_runtime.registry.port import DATA_OF, Version


@dataclass(frozen=True)
class Comparison:
    """What a candidate is held against: the champion with its figures, or why there is none."""

    champion: Version | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    """The champion's, on the frozen reference."""
    said: Answers | None = None
    """What the champion says of its rows."""
    window: Newest | None = None
    """The newest labelled rows that it did not learn from."""
    said_of_window: Answers | None = None
    way_out: str = ""
    """What to do where the champion is better because it knows too much."""
    not_compared: str | None = None
    """Why a champion that is there does not count."""


def compare(context: Context, handoff: Handoff, own: Collection[str], newest: Newest) -> Comparison:
    """The champion on the frozen reference and on the `newest` labelled rows; FactoryError without its bytes or code.

    `own` are the raw columns that the candidate reads.

    It does not count when the reference is newer, of which it may have learned some rows, and when it reads a column
    that no model is given any more: what is known only after the fact is no measure.
    """
    champion = champions.champion(context.registry)
    if champion is None:
        return Comparison()
    reference, name = handoff.table(REFERENCE, "prepare"), f"the champion, version {champion.number}"
    if champion.tags.get(DATA_OF + REFERENCE) != reference.tag:
        return Comparison(not_compared=f"the reference is newer than {name}")
    window = labelled_window.unlearned(context, handoff, newest, champion)
    said, of_window, figures, reads = _asked(context, champion, handoff, window)
    science = context.project.science
    given = {column.name for column in declared.input_columns(science.schema(), science.target(), science.ignored())}
    gone = sorted(reads - given)
    if not gone:
        way_out = _way_out(sorted(reads.difference(own)), science.place("schema"))
        return Comparison(champion, figures, said, window, of_window, way_out)
    with_it = f" ({context.metric} {figures[context.metric]:.4f} with it)" if context.metric in figures else ""
    where = "lists in IGNORED" if set(gone) <= set(science.ignored()) else "no longer gives to models"
    return Comparison(not_compared=f"{name}, reads {listed(gone)}, which schema.py {where}{with_it}")


def _way_out(more: Sequence[str], place: str) -> str:
    """`more` are the columns that the champion reads and the candidate does not."""
    what = f"what it reads and this model does not ({listed(more)})" if more else "a column that it reads"
    return f"if {what} is known only after the fact, list it in IGNORED in {place}: then the two are not compared"


def _asked(
    context: Context, champion: Version, handoff: Handoff, window: Newest
) -> tuple[Answers, Answers | None, dict[str, float], frozenset[str]]:
    """The champion's answers to the reference and to the window, its figures there, and the raw columns it reads."""
    reference, prepared = (handoff.table(name, "prepare").version for name in (REFERENCE, PREPARED))
    place = Path(tempfile.mkdtemp(prefix="aifactory-champion-"))
    positive = context.settings.gate.positive_class
    try:
        context.registry.download(champion, place / "model")
        schema = model_folder.read_schema(place / "model")
        estimator = _estimator(context, champion, place / "model")
        reads = Reads(_features(context, champion, model_folder.read_belongs(place / "model"), place / "code"))
        values, labels = arrays.load_reference(context.tables, reference, schema, reads)
        said = Answers(*answers.of(estimator, values, schema.classes), schema.classes, positive)
        figures = scores.of_answers(labels, said.judged, schema.classes, positive)
        of_window = None
        if window.rows is not None:
            values = arrays.load_at(context.tables, prepared, split.TEST, window.places, (schema, reads))
            of_window = Answers(*answers.of(estimator, values, schema.classes), schema.classes, positive)
        return said, of_window, figures, frozenset(reads.names) & {column.name for column in schema.columns}
    finally:
        shutil.rmtree(place)


def _estimator(context: Context, champion: Version, place: Path) -> Any:
    """The champion's model, by what conf trusts today: what was trusted once may have been taken back."""
    try:
        return model_folder.load_estimator(place, context.settings.train.trusted_types)
    except FactoryError as error:
        raise FactoryError(f"the champion, version {champion.number}: {error}") from None


def _features(context: Context, champion: Version, belongs: Belongs, place: Path) -> Features:
    """`features` of the science that the champion was trained with: today's when it is the same, else its commit's."""
    manifest = context.project.manifest
    here = context.made_from
    likeness = same_science.likeness(champion.tags, here.science, context.project.root, manifest.package)
    if belongs.code_sha256 == here.code_sha256 or likeness in {Likeness.SAME, Likeness.NUMERIC}:
        return context.project.science.features()
    snapshot = Path(context.contract.snapshot_uri) / manifest.use_case / belongs.commit
    root = snapshot if snapshot.is_dir() else place
    there = root == snapshot or checkout.extract(context.project.root, belongs.commit, place, *layout.CODE)
    if not there or provenance.code_sha256(root, manifest.package) != belongs.code_sha256:
        raise FactoryError(
            f"the champion, version {champion.number}, belongs to code of commit {belongs.commit[:12]} that is not to "
            "be had here: fetch the commit, or release a version of committed code"
        )
    with _imported_from(root / layout.SCIENCE, manifest.package):
        found: Features = importlib.import_module(f"{manifest.package}.features").features
    return found


@contextmanager
def _imported_from(source: Path, package: str) -> Iterator[None]:
    """Let `package` be that of `source` for a while; what the process had imported of its own comes back after."""
    own = {name: module for name, module in sys.modules.items() if name == package or name.startswith(package + ".")}
    for name in own:
        del sys.modules[name]
    sys.path.insert(0, str(source))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(source))
        for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
            del sys.modules[name]
        sys.modules.update(own)
