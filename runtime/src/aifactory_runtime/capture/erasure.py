"""Takes one person's predictions out of an environment: out of the logs, the table `captured` and scored batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.audit import log
from aifactory_runtime.capture import compaction, log_file
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.capture.person import Person
from aifactory_runtime.data import erasing, removals, tables
from aifactory_runtime.data.column_names import HASHED
from aifactory_runtime.data.removals import Removal
from aifactory_runtime.errors import NeedsPerson
from aifactory_runtime.pipeline import exclusive
from aifactory_runtime.serving.trial import scores_log

if TYPE_CHECKING:
    import pyarrow as pa

    from aifactory_runtime.contract import EnvironmentContract


@dataclass(frozen=True)
class Found:
    """Ids of a person's predictions by where they are."""

    logged: tuple[str, ...] = ()
    captured: tuple[str, ...] = ()
    scored: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.logged, *self.captured, *self.scored)))

    @property
    def counts(self) -> dict[str, int]:
        """How many there are where."""
        return {place: len(ids) for place, ids in asdict(self).items()}


def find(contract: EnvironmentContract, person: Person) -> Found:
    """What an erasure would take now."""
    data = Path(contract.data_uri)
    return Found(
        tuple(_logged(Path(contract.capture_uri), person)),
        tuple(_ids(data, tables.CAPTURED, _captured(person))),
        tuple(_ids(data, tables.SCORED, _scored(person))),
    )


def erase(contract: EnvironmentContract, person: Person, who: str, reason: str) -> Found:
    """Take them out for good; what was erased. Killed anywhere, the same again finishes it.

    The log is moved into the table first. The audit log and the record of removals say it before anything goes.
    FactoryError while a pipeline, a batch or a compaction runs. NeedsPerson when some are left in the file of a service
    of an earlier release, which may still write to it.
    """
    capture, data = Path(contract.capture_uri), Path(contract.data_uri)
    with ExitStack() as held:
        held.enter_context(exclusive.held(Path(contract.artifact_uri)))
        compaction.compact(capture, data)
        if capture.is_dir():
            held.enter_context(compaction.held(capture))
        found = find(contract, person)
        facts = {"by": person.column or "prediction id", "reason": reason, **found.counts}
        removals.note(data, _removals(found, reason), who)
        log.append(Path(contract.audit_uri), "erasure begun", who, facts)
        scores_log.erase(capture, found.ids)
        erasing.erase(data, tables.CAPTURED, _captured(person), DAY)
        erasing.erase(data, tables.SCORED, _scored(person))
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
    """Ids of the person's lines; a torn one was never answered, a damaged one is refused when it is moved."""
    found = []
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    entry = msgspec.json.decode(line, type=dict[str, Any])
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    continue
                if person.has(str(entry.get("id")), entry.get("inputs") or {}):
                    found.append(str(entry["id"]))
    except FileNotFoundError:  # never there, or moved into the table meanwhile
        return []
    return found


def _ids(data: Path, table: str, wanted: erasing.Wanted) -> Iterator[str]:
    for chunk in erasing.found(data, table, wanted):
        yield from chunk.column("prediction_id").to_pylist()


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
