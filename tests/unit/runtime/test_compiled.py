"""Compiled files that one environment takes from another: Python takes them, and none that is not of its source."""

from __future__ import annotations

import os
import py_compile
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_runtime import compiled

WANTED = ("tables",)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Packages of an environment, one module of them compiled."""
    packages = tmp_path / "first"
    (packages / "tables" / "deep").mkdir(parents=True)
    (packages / "tables-1.0.dist-info").mkdir()
    for name in ("tables/__init__.py", "tables/deep/read.py", "tables/never.py"):
        (packages / name).write_text("FOUND = __file__\n\n\ndef fail():\n    raise LookupError\n")
    for name in ("tables/__init__.py", "tables/deep/read.py"):
        py_compile.compile(str(packages / name))
    return packages


@pytest.fixture
def second(first: Path, tmp_path: Path) -> Path:
    """The same packages in another environment, linked as uv does and not compiled."""
    packages = tmp_path / "second"
    for path in first.rglob("*.py"):
        target = packages / path.relative_to(first)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
    (packages / "tables-1.0.dist-info").mkdir()
    return packages


def names(packages: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in packages.rglob("*.pyc")}


def kept(packages: Path) -> Path:
    place = compiled.place_of(packages, WANTED)
    compiled.keep(packages, place)
    return place


def test_given_kept_files_when_shared_then_python_takes_them_and_names_the_new_place(first: Path, second: Path) -> None:
    place = kept(first)
    assert place == compiled.place_of(second, WANTED)

    assert compiled.share(place, second)

    assert names(second) == {"__init__", "read"}
    code = (
        "import sys; sys.dont_write_bytecode = True; import tables.deep.read as read, tables.never; print(read.FOUND)\n"
        "try: read.fail()\nexcept LookupError as error: print(error.__traceback__.tb_next.tb_frame.f_code.co_filename)"
    )
    done = subprocess.run(
        [sys.executable, "-v", "-c", code],
        env={**os.environ, "PYTHONPATH": str(second)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(second / "tables/deep/read.py")] * 2
    taken = {Path(path).name.partition(".")[0] for path in re.findall(r"^# (\S+\.pyc) matches", done.stderr, re.M)}
    assert {"read"} <= taken and "never" not in taken


@pytest.mark.parametrize("change", ["text", "time", "gone"])
def test_given_a_source_that_is_another_when_shared_then_its_compiled_file_is_not_taken(
    change: str, first: Path, second: Path
) -> None:
    place = kept(first)
    changed = second / "tables/deep/read.py"
    was = changed.stat()
    changed.unlink()
    if change != "gone":
        changed.write_text("FOUND = 1\n" if change == "text" else (first / "tables/deep/read.py").read_text())
        os.utime(changed, (was.st_atime, was.st_mtime + (change == "time") * 2))

    assert not compiled.share(place, second), "something has to be compiled"

    assert names(second) == {"__init__"}


def test_given_other_packages_or_imports_when_looked_for_then_their_files_are_kept_elsewhere(first: Path) -> None:
    places = {compiled.place_of(first, WANTED), compiled.place_of(first, (*WANTED, "more"))}
    (first / "tables-1.0.dist-info").rename(first / "tables-1.1.dist-info")

    assert len(places | {compiled.place_of(first, WANTED)}) == 3


def test_given_many_sets_when_kept_then_those_used_last_stay_and_nothing_half_made(first: Path) -> None:
    places = [compiled.place_of(first, (*WANTED, str(number))) for number in range(5)]
    for age, place in enumerate(places[:4]):
        compiled.keep(first, place)
        os.utime(place, (age, age))
    compiled.share(places[1], first)
    compiled.used(places[1])
    compiled.keep(first, places[4])

    assert {*places[0].parent.iterdir()} == {places[1], places[3], places[4]}


def test_given_a_set_that_is_old_when_kept_again_then_it_is_made_anew(first: Path, second: Path) -> None:
    place = kept(first)
    source = second / "tables/deep/read.py"
    source.unlink()
    source.write_text("FOUND = 1\n")
    py_compile.compile(str(source))

    compiled.share(place, second)
    compiled.keep(second, place)

    assert compiled.share(place, second)
