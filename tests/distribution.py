"""A pytest plugin: how `make test` deals its slow tests to processes (`--dist loadgroup --no-loadscope-reorder`).

Files that share a platform, or another thing dear to make, go to one process; every other file is a group of its own.
The long groups start first: a long one that starts last leaves the other processes idle.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "the factory end to end",
        tuple(f"tests/e2e/test_{name}.py" for name in ("cluster", "daily", "spine")),
    ),
    (
        "the programs' platform",
        tuple(
            f"tests/infra/test_{name}.py"
            for name in ("access", "dashboard", "people", "platform", "policies", "usecase")
        ),
    ),
    (
        "the command's platform",
        (
            "tests/infra/test_provisioning.py",
            "tests/infra/test_restart.py",  # before there is released code, which a restore would build again
            "tests/infra/test_rotation.py",
            "tests/template/test_workflow_runs.py",
            "tests/infra/test_destroy.py",
        ),
    ),
    # One template with two releases, and a repo of the first.
    (
        "updates of a repo",
        tuple(
            f"tests/template/update/test_{name}.py"
            for name in ("followed", "conflicts", "hooks", "locks", "status", "template")
        ),
    ),
    # Each of the two has one cache of mypy's.
    (
        "types of a repo with its own environment",
        ("tests/template/test_adopt.py", "tests/template/test_pull_request.py"),
    ),
    (
        "types of a repo",
        tuple(f"tests/template/test_{name}.py" for name in ("own_table", "rendered", "notebook", "places")),
    ),
)
_PLACES = {file: (rank, place) for rank, (_, files) in enumerate(GROUPS) for place, file in enumerate(files)}
_OTHERS = (len(GROUPS), 0)


class Groups(LoadScopeScheduling):  # type: ignore[misc] # its base has no types
    """Deals groups of files; xdist's own reads them off names of tests that this pytest does not let it change."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def group_of(file: str) -> str:
    """The group of a file of tests: a name of GROUPS, else the file's own."""
    return GROUPS[_PLACES[file][0]][0] if file in _PLACES else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups | None:
    """Deal by groups where `--dist loadgroup` asks for it."""
    return Groups(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups in their order, and in each its files in theirs; the others as they were found."""
    items.sort(key=lambda item: _PLACES.get(item.location[0], _OTHERS))
