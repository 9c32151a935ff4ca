"""Where one person's records are, and how they go: predictions of the service and of batches, labels of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.audit import log
from aifactory_runtime.capture import compaction, log_file, moving
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.data import erasing, removals, tables
from aifactory_runtime.data.column_names import HASHED
from aifactory_runtime.data.removals import Removal
from aifactory_runtime.erasure.person import Person
from aifactory_runtime.errors import NeedsPerson
from aifactory_runtime.labels import compaction as labels
from aifactory_runtime.labels.compaction import LABELS
from aifactory_runtime.pipeline import exclusive
from aifactory_runtime.serving.trial import scores_log
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa

    from aifactory_runtime.contract import EnvironmentContract


@dataclass(frozen=True)
class Found:
    """Ids of a person's predictions by where they are, and of the labels that name these or the person."""

    logged: tuple[str, ...] = ()
    captured: tuple[str, ...] = ()
    scored: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """All predictions, each once."""
        return tuple(dict.fromkeys((*self.logged, *self.captured, *self.scored)))

    @property
    def counts(self) -> dict[str, int]:
        """How many there are where."""
        return {place: len(ids) for place, ids in asdict(self).items()}


def find(contract: EnvironmentContract, person: Person) -> Found:
    """What an erasure would take now."""
    capture, data = Path(contract.capture_uri), Path(contract.data_uri)
    found = Found(
        tuple(_logged(capture, person)),
        tuple(_ids(data, tables.CAPTURED, _captured(person))),
        tuple(_ids(data, tables.SCORED, _scored(person))),
    )
    ids = person.ids.union(found.ids)
    logged = (one for path in LABELS.segments(capture).all() for one in _entries(path))
    hers = (one["id"] for one in logged if one.get("prediction_id") in ids or one.get("key") in person.keys)
    return replace(found, labels=(*hers, *_ids(data, tables.LABELS, _labels(person, ids), "label_id")))


def erase(contract: EnvironmentContract, person: Person, who: str, reason: str) -> Found:
    """Take them out for good; what was erased. Killed anywhere, the same again finishes it.

    The logs are moved into their tables first. The audit log and the record of removals say it before anything goes.
    FactoryError while a pipeline, a batch or a compaction runs. NeedsPerson when some are left in the file of a service
    of an earlier release, which may still write to it.
    """
    capture, data = Path(contract.capture_uri), Path(contract.data_uri)
    with ExitStack() as held:
        held.enter_context(exclusive.held(Path(contract.artifact_uri)))
        compaction.compact(capture, data)
        labels.compact(capture, data)
        for log_of in (compaction.PREDICTIONS, LABELS) if capture.is_dir() else ():
            held.enter_context(moving.locked(capture, log_of))
        found = find(contract, person)
        facts = {"by": person.column or "prediction id", "reason": reason, **found.counts}
        removals.note(data, _removals(found, reason), who)
        log.append(Path(contract.audit_uri), "erasure begun", who, facts)
        # Predictions last: they say which labels and answers of a trial are meant, also to who goes on after a kill.
        scores_log.erase(capture, found.ids)
        erasing.erase(data, tables.LABELS, _labels(person, person.ids.union(found.ids)), DAY)
        erasing.erase(data, tables.SCORED, _scored(person))
        erasing.erase(data, tables.CAPTURED, _captured(person), DAY)
        log.append(Path(contract.audit_uri), "erased", who, facts)
    if left := _in_file(capture / log_file.OLDER, person):
        raise NeedsPerson(
            f"{len(left)} predictions are left in {capture / log_file.OLDER}, to which a service of an earlier release "
            "writes: erase again once nobody has written to it for a day"
        )
    return found


def _removals(found: Found, reason: str) -> list[Removal]:
    return [Removal(removals.PREDICTION, found.ids, f"a person's records were erased ({reason})")] if found.ids else []


def _logged(capture: Path, person: Person) -> Iterator[str]:
    for path in (*log_file.segments(capture).all(), capture / log_file.OLDER):
        yield from _in_file(path, person)


def _in_file(path: Path, person: Person) -> list[str]:
    """Ids of the person's predictions in a file."""
    return [one["id"] for one in _entries(path) if person.has(one["id"], one.get("inputs") or {})]


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file; a torn one was never answered, a damaged one is refused when it is moved."""
    with suppress(FileNotFoundError), path.open("rb") as lines:  # never there, or moved into the table meanwhile
        for line in lines:
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                entry = msgspec.json.decode(line, type=dict[str, Any])
                if "id" in entry:
                    yield entry


def _ids(data: Place, table: str, wanted: erasing.Wanted, column: str = "prediction_id") -> Iterator[str]:
    for chunk in erasing.found(data, table, wanted):
        yield from chunk.column(column).to_pylist()


def _labels(person: Person, ids: Collection[str]) -> erasing.Wanted:
    """Labels of predictions with these ids, and those that name the person by the key."""

    def wanted(chunk: pa.Table) -> Sequence[bool]:
        named = zip(chunk.column("prediction_id").to_pylist(), chunk.column("key").to_pylist(), strict=True)
        return [one in ids or key in person.keys for one, key in named]

    return wanted


def _captured(person: Person) -> erasing.Wanted:
    def wanted(chunk: pa.Table) -> Sequence[bool]:
        ids = chunk.column("prediction_id").to_pylist()
        if person.column is None:
            return [one in person.ids for one in ids]
        inputs = map(_inputs, chunk.column("inputs").to_pylist())
        return [person.has(one, values) for one, values in zip(ids, inputs, strict=True)]

    return wanted


_inputs: Callable[[str], Mapping[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode


def _scored(person: Person) -> erasing.Wanted:
    def wanted(chunk: pa.Table) -> Sequence[bool]:
        ids = chunk.column("prediction_id").to_pylist()
        found = [one in person.ids for one in ids]
        for name in {person.column, f"{person.column}{HASHED}"} & set(chunk.column_names):
            values = chunk.column(name).to_pylist()
            found = [
                is_one or person.has("", {str(person.column): value})
                for is_one, value in zip(found, values, strict=True)
            ]
        return found

    return wanted
