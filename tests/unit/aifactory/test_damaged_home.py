"""JSON of a home that is damaged: what reads it names the file and the command that mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.provision import applied, retirement, stacks
from aifactory.provision.plan import Place
from aifactory.status import addresses, overview
from aifactory_runtime.errors import FactoryError
from infra.providers.local import files, layout
from infra.providers.protocol.failure import Failure
from tests.unit.aifactory.conftest import Factory
from tests.unit.aifactory.homes import provisioned, repo, write

CONTENTS = {
    "nothing": "",
    "a list": "[]",
    "half of it": '{"environment": {',
    "a number": '{"environment": 1}',
    "another place": '{"environment": {"use_case": "churn", "environment": "qa"}}',
    "a list for a name": '{"environment": {"use_case": [], "environment": "dev"}}',
    "too deep": "[" * 100_000,
}
_MEND = "churn.dev.json is damaged: factory up dev in the repo of churn writes it again"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = provisioned(tmp_path / "home")
    for project, name in ((stacks.PLATFORM, "shared"), (stacks.PLATFORM, "dev"), (stacks.USECASE, "churn.dev")):
        write(found.state / ".pulumi" / "stacks" / project / f"{name}.json", "{}")
    write(found.services / "conf.d" / "tracking.conf", "")
    return found


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_given_a_damaged_record_when_read_in_any_way_then_it_is_named_with_its_mend(home: Home, content: str) -> None:
    write(home.applied("churn", "dev"), content)

    for read in (applied.outputs, applied.contract, applied.manifest):
        with pytest.raises(FactoryError, match=_MEND):
            read(home, "churn", "dev")
    with pytest.raises(FactoryError, match=_MEND):
        applied.use_cases(home)


def test_given_a_record_without_a_whole_manifest_or_contract_when_read_then_it_is_named_with_its_mend(
    home: Home,
) -> None:
    assert applied.use_cases(home) == [("churn", "dev"), ("churn", "prod")]
    for read in (applied.contract, applied.manifest):
        with pytest.raises(FactoryError, match=_MEND):
            read(home, "churn", "dev")
        with pytest.raises(FileNotFoundError):
            read(home, "churn", "staging")


@pytest.mark.parametrize("command", [("rotate",), ("outputs", "dev"), ("status",), ("open", "docs", "dev")])
def test_given_a_damaged_record_when_a_command_needs_it_then_one_line_names_it(
    tmp_path: Path, home: Home, factory: Factory, command: tuple[str, ...]
) -> None:
    write(home.applied("churn", "dev"), CONTENTS["too deep"])

    done = factory(*command, cwd=repo(tmp_path / "churn"), home=home.root)

    assert (done.returncode, _MEND in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("content", [*CONTENTS.values(), "[1]", '{"tracking_uri": "http://127.0.0.1:1"}'])
def test_given_damaged_addresses_of_the_platform_when_opened_then_they_are_named_with_their_mend(
    home: Home, content: str
) -> None:
    write(home.root / "shared" / "platform.json", content)

    for page in ("mlflow", "dagster"):
        with pytest.raises(FactoryError, match=r"platform\.json is damaged: factory up shared"):
            addresses.of(Place(home, None, None), page, None)


@pytest.mark.parametrize("content", ['{"champion": []}', '{"champion": "3"}', '{"champion": 3}', "[" * 100_000])
def test_given_a_record_of_what_is_served_with_other_types_when_read_then_nothing_is_served(
    tmp_path: Path, content: str
) -> None:
    assert overview._version(overview._json(write(tmp_path / "serving.json", content))) == ""


def test_given_lists_in_lists_without_end_when_other_files_are_read_then_they_are_named(home: Home) -> None:
    record = write(home.retired("churn", "dev"), "[" * 100_000)
    with pytest.raises(FactoryError, match=f"{record} is damaged"):
        retirement.of(home, "churn", "dev")
    ports = write(layout.ports(home.root), "[" * 100_000)
    with pytest.raises(Failure, match=f"{ports} is damaged"):
        files.own_json(ports)
