"""Logs: which are meant by a name, their last lines, what is added, and that no secret gets through."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory.status import logs, scheduled_runs
from aifactory.status.logs import Line, Wanted
from aifactory.status.masking import Masking
from aifactory_runtime.config.network import without_logins
from aifactory_runtime.errors import UsageProblem
from tests.unit.aifactory.conftest import Factory
from tests.unit.aifactory.homes import PASSWORD, TOKEN, provisioned, repo, scheduled, write


def names_of(found: list[logs.Source]) -> list[str]:
    return [source.name for source in found]


def test_given_no_name_when_listed_then_the_platforms_services_are_meant(tmp_path: Path) -> None:
    home = provisioned(tmp_path)

    assert names_of(logs.sources(home, Wanted())) == ["dagster-daemon", "tracking"]
    assert names_of(logs.sources(home, Wanted("tracking"))) == ["tracking"]
    assert names_of(logs.sources(home, Wanted("churn.prod"))) == ["churn.prod"]


def test_given_a_use_case_when_listed_then_services_own_logs_and_scheduled_runs_per_environment(tmp_path: Path) -> None:
    home = provisioned(tmp_path)
    write(tmp_path / "prod" / "churn" / "logs" / "import.log", "imported\n")
    scheduled(home, "churn", "dev", "aed2bdee-2347", "trained\n")
    scheduled(home, "churn", "dev", "bbbbbbbb-2347", "released\n", work="tick")
    scheduled(home, "other", "dev", "ffffffff-2347", "not ours\n")

    found = names_of(logs.sources(home, Wanted("churn")))
    in_prod = names_of(logs.sources(home, Wanted("churn", "prod")))

    assert found == ["churn.dev", "churn.dev run aed2bdee", "churn.dev run bbbbbbbb", "churn.prod", "churn.prod import"]
    assert in_prod == ["churn.prod", "churn.prod import"]
    (run,) = scheduled_runs.newest(home, "churn", "dev", 5)
    assert (run.status, run.started) == ("SUCCESS", "2026-11-21 03:00:00")
    assert scheduled_runs.newest(home, "churn", "prod", 5) == []


@pytest.mark.parametrize(("name", "environment"), [("chrun", None), ("churn", "qa"), ("../x", None)])
def test_given_a_name_that_nothing_has_when_asked_then_what_there_is_gets_listed(
    tmp_path: Path, name: str, environment: str | None
) -> None:
    with pytest.raises(UsageProblem, match=r"there are: .*tracking, churn|use one of dev, staging, prod"):
        logs.sources(provisioned(tmp_path), Wanted(name, environment))


@pytest.mark.parametrize(("lines", "asked"), [(0, 5), (3, 5), (5, 5), (500, 5), (30_000, 9_000)])
def test_given_a_log_when_its_last_lines_are_asked_then_exactly_those_come(
    tmp_path: Path, lines: int, asked: int
) -> None:
    written = [f"line {number} " + "x" * 20 for number in range(lines)]
    path = write(tmp_path / "a.log", "".join(f"{line}\n" for line in written))

    found = [line.line for line in logs.last_lines(provisioned(tmp_path / "h"), [logs.Source("a", path)], asked)]

    assert found == written[-asked:]


def test_given_a_log_rotated_a_moment_ago_when_asked_then_the_lines_before_come_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", "three\n")
    write(tmp_path / "a.log.1", "one\ntwo\n")

    found = [line.line for line in logs.last_lines(provisioned(tmp_path / "h"), [logs.Source("a", path)], 2)]

    assert found == ["two", "three"]


def followed(lines: Iterator[Line], count: int) -> list[str]:
    return [next(lines).line for _ in range(count)]


@pytest.mark.heavy
def test_given_a_followed_log_when_it_grows_tears_rotates_and_is_cut_then_every_whole_line_comes_once(
    tmp_path: Path,
) -> None:
    home = provisioned(tmp_path)
    path = home.services / "logs" / "tracking.log"
    lines = logs.follow(home, Wanted("tracking"), 1)
    assert followed(lines, 1) == ["tracking runs"]

    with path.open("a") as file:
        file.write("whole\nto")
    assert followed(lines, 1) == ["whole"]
    with path.open("a") as file:
        file.write("rn\n")
    assert followed(lines, 1) == ["torn"]
    path.rename(path.with_name("tracking.log.1"))
    path.write_text("new file\n")
    assert followed(lines, 1) == ["new file"]
    path.write_text("cut\n")
    assert followed(lines, 1) == ["cut"]


def test_given_secrets_of_the_home_in_a_log_when_shown_then_they_are_masked(tmp_path: Path) -> None:
    home = provisioned(tmp_path)
    basic = base64.b64encode(f"ana:{PASSWORD}".encode()).decode()
    told = [
        f"login with {PASSWORD}",
        f"token={TOKEN}",
        f"Authorization: Basic {basic}",
        '"authorization": "Bearer someone-elses"',
        "GET https://ana:hunter2@index.example/simple",
        "passphrase a-passphrase-of-the-state",
    ]
    write(home.services / "logs" / "tracking.log", "\n".join(told) + "\n")

    shown = " ".join(line.line for line in logs.last_lines(home, logs.sources(home, Wanted("tracking")), 10))

    for secret in (PASSWORD, TOKEN, basic, "someone-elses", "hunter2", "a-passphrase-of-the-state"):
        assert secret not in shown
    assert shown.count("***") == len(told)
    assert "index.example/simple" in shown


def test_given_text_without_secrets_when_masked_then_it_stays(tmp_path: Path) -> None:
    text = "GET http://127.0.0.1:25000/api by ana@example.com"

    assert Masking.of(provisioned(tmp_path))(text) == text
    assert without_logins("http://u:p@h/a and http://h/@b") == "http://***@h/a and http://h/@b"


def test_given_a_repo_when_logs_are_asked_without_a_name_then_its_own_come_plain_and_as_json(
    tmp_path: Path, factory: Factory
) -> None:
    home = provisioned(tmp_path / "home")
    folder = repo(tmp_path / "churn")

    plain = factory("logs", "--env", "prod", "-n", "1", cwd=folder, home=home.root)
    as_json = factory("logs", "--env", "prod", "-n", "1", "--json", cwd=folder, home=home.root)
    nothing = factory("logs", cwd=tmp_path, home=tmp_path / "empty")
    not_there = factory("logs", "--env", "staging", cwd=folder, home=home.root)
    (home.services / "logs" / "churn.prod.log").unlink()
    silent = factory("logs", "--env", "prod", cwd=folder, home=home.root)

    assert plain.stdout == "==> churn.prod <==\nchurn.prod runs\n"
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == [
        {"source": "churn.prod", "line": "churn.prod runs"}
    ]
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "factory up" in nothing.stderr
    assert (not_there.returncode, silent.returncode) == (1, 1)
    assert "churn is not in staging yet: factory up staging" in not_there.stderr
    assert "no service and no scheduled run of churn has left a log in prod yet" in silent.stderr
