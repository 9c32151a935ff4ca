"""Which files of a folder make its table, and what the folders say in which they lie: `site=harbour/part-0.parquet`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from aifactory_runtime.errors import FactoryError

_FORMATS = {
    "parquet": "parquet",
    "parq": "parquet",
    "pq": "parquet",
    "csv": "csv",
    "tsv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
}
_NAMES = {"parquet": "Parquet", "csv": "CSV", "jsonl": "JSON lines", "": "files without an ending"}
_NULL = "__HIVE_DEFAULT_PARTITION__"
_LOGS = {
    "a Delta table in a folder of it": (re.compile(r"/_delta_log/"), "name that folder itself"),
    "an Iceberg table": (re.compile(r"(^|/)metadata/[^/]+\.metadata\.json$"), "save it as Parquet or Delta"),
    "a Hudi table": (re.compile(r"(^|/)\.hoodie/"), "save it as Parquet or Delta"),
}
_SHOWN = 3


def is_side_file(below: str) -> bool:
    """Whether tools write it beside a table: `_SUCCESS`, `_metadata`, checksums, and what is hidden."""
    return below.endswith(".crc") or any(
        part.startswith(".") or (part.startswith("_") and "=" not in part) for part in below.split("/")
    )


def table_files(name: str, found: Iterable[str]) -> tuple[str, list[str], list[str]]:
    """The files that make the table, by sorted names, their format by their ending, and what files are not read.

    Files without an ending, as Hive writes them, are taken where no other tells a format: theirs is "". FactoryError
    when the folder `name` has no such file, or several formats.
    """
    every = sorted(found)
    _check_plain(name, every)
    by_format: dict[str, list[str]] = {}
    others = []
    for below in every:
        if is_side_file(below):
            continue
        ending = _ending(below)
        if ending and ending not in _FORMATS:
            others.append(below)
        else:
            by_format.setdefault(_FORMATS.get(ending, ""), []).append(below)
    if len(by_format) > 1:
        others += by_format.pop("", [])
    if not by_format:
        seen = f", only {_named(others)}" if others else ""
        raise FactoryError(f"{name} holds no file of a table (Parquet, CSV, JSON lines){seen}: name the table itself")
    if len(by_format) > 1:
        kinds = " and ".join(f"{_NAMES[kind]} ({shown(files[0])})" for kind, files in by_format.items())
        raise FactoryError(f"{name} holds files of several formats, {kinds}: name one table")
    kind, files = next(iter(by_format.items()))
    _check_alike(name, files)
    return kind, files, sorted(others)


def values(below: str) -> dict[str, str | None]:
    """The columns that the folders of a file say, as texts: of `site=mill/day=2026-01-31/x.parquet` site and day."""
    found: dict[str, str | None] = {}
    for part in below.split("/")[:-1]:
        key, equals, value = part.partition("=")
        if equals and key:
            found[unquote(key)] = None if value == _NULL else unquote(value) or None
    return found


def shown(below: str) -> str:
    """The path of a file for messages: the values in its folders' names are values of the table, and left out."""
    *parts, last = below.split("/")
    return "/".join([*(f"{part.partition('=')[0]}=..." if "=" in part else part for part in parts), last])


def _check_plain(name: str, found: list[str]) -> None:
    """FactoryError when a log says which of the files are in the table: all of them would be deleted rows, too."""
    for kind, (log, instead) in _LOGS.items():
        if any(log.search(below) for below in found):
            raise FactoryError(f"{name} holds {kind}: {instead}")


def _check_alike(name: str, files: list[str]) -> None:
    """FactoryError when some files lie in folders of other columns, or in none."""
    first = list(values(files[0]))
    for below in files:
        if list(values(below)) != first:
            said, other = (
                "/".join(f"{key}=..." for key in keys) or "no such folder" for keys in (first, values(below))
            )
            raise FactoryError(
                f"{name}: {files[0]} lies in {said}, {below} in {other}: put all parts into alike folders"
            )


def _ending(below: str) -> str:
    last = below.rpartition("/")[2].removesuffix(".gz")
    return last.rpartition(".")[2].lower() if "." in last else ""


def _named(files: list[str]) -> str:
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return ", ".join(map(shown, files[:_SHOWN])) + more
