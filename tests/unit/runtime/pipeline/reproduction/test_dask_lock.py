"""Whether a tree asks for Dask: by the same words in the code that makes snapshots and in the repo's Makefile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aifactory_runtime.pipeline.reproduction import provenance

MAKEFILE = Path(__file__).parents[5] / "template" / "Makefile.jinja"


@pytest.mark.parametrize(
    ("file", "text", "asks"),
    [
        ("factory.yaml", "environments:\n  dev:\n    compute: {engine: dask, workers: 2}\n", True),
        ("factory.yaml", "  dev:\n    compute:\n      engine: dask\n", True),
        ("factory.yaml", "  dev:\n    cluster: tls://10.0.0.5:8786\n", True),
        ("factory.yaml", "  dev: {cluster: 'tcp://127.0.0.1:8786'}\n", True),
        ("conf/base.yaml", "train: {engine: dask}\n", True),
        ("conf/base.yaml", "train:\n  engine: local  # engine: dask needs make setup\n", False),
        ("conf/base.yaml", "train: {engine: local}\n", False),
        ("factory.yaml", "  # compute: {engine: dask}\n", False),
        ("factory.yaml", "title: cluster of customers\n", False),
        ("notes.yaml", "train: {engine: dask}\n", False),
    ],
)
def test_given_a_tree_when_asked_then_code_and_makefile_say_the_same(
    tmp_path: Path, file: str, text: str, asks: bool
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / file).write_text(text)
    line = next(line for line in MAKEFILE.read_text().splitlines() if line.startswith("DASK := "))
    (tmp_path / "Makefile").write_text(f"{line}\nshow:\n\t@echo '[$(DASK)]'\n")
    command = ["make", "--no-print-directory", "show"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert provenance.asks_for_dask(tmp_path) is asks
    assert shown.stdout == ("[-dask]\n" if asks else "[]\n"), shown.stderr


def test_given_a_tree_that_asks_when_locked_then_its_environment_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name in (*provenance.LOCKS, provenance.DASK_LOCK):
        (tmp_path / name).write_text(f"{name}\n")
    without = provenance.lock_sha256(tmp_path)
    (tmp_path / "factory.yaml").write_text("  dev: {compute: {engine: dask}}\n")

    assert [path.name for path in provenance.locks(tmp_path)] == ["factory.txt", "science.txt", "factory-dask.txt"]
    assert provenance.lock_sha256(tmp_path) != without
