"""What other packages keep private and is used here all the same: one place each, tried with one version.

When a version moves this fails: see that the name still does the same (its tests, and `make test`), then write the new
version down here.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", re.MULTILINE)
USED = [
    ("requirements/runtime.in", "mlflow-skinny", "3.17.2", "runtime/src/aifactory_runtime/registry/database.py"),
    ("requirements/runtime.in", "mlflow-skinny", "3.17.2", "runtime/src/aifactory_runtime/aws/signed.py"),
    ("infra/services/requirements.in", "mlflow", "3.17.2", "infra/services/tracking.py"),
    ("requirements/tool.txt", "pulumi", "3.259.0", "aifactory/provision/pulumi_shortcuts.py"),
    ("requirements/tool.txt", "copier", "9.19.1", "aifactory/scaffold/copier_worker.py"),
]
PRIVATE = {
    "_initialize_tables",
    "_request_auth_provider_registry",
    "__new__(automation",
    "_vendored",
    "setattr(selected",
    "copier._main",
}


@pytest.mark.parametrize(("lock", "package", "tried", "place"), USED)
def test_given_a_borrowed_private_name_when_its_package_moves_then_somebody_looks(
    lock: str, package: str, tried: str, place: str
) -> None:
    pinned = dict(PINNED.findall((ROOT / lock).read_text()))

    assert pinned[package] == tried, f"{place} uses private names of {package} {tried}"
    assert any(name in (ROOT / place).read_text() for name in PRIVATE)


def test_given_the_sources_when_searched_then_private_names_stand_in_those_places_only() -> None:
    sources = [path for part in ("aifactory", "infra", "runtime/src") for path in (ROOT / part).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in sources if any(name in path.read_text() for name in PRIVATE)}

    assert found == {place for *_, place in USED}


@pytest.mark.parametrize(("module", "name"), [("mlflow.store.db.utils", "_initialize_tables")])
def test_given_a_private_function_when_imported_then_it_takes_one_engine(module: str, name: str) -> None:
    code = getattr(importlib.import_module(module), name).__code__

    assert code.co_argcount == 1
