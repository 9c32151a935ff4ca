"""Quotas: measured, said before they are reached, and nothing begins at the limit."""

from __future__ import annotations

import json
import resource
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import record
from aifactory_runtime.events.event import CLOSED, OPEN
from aifactory_runtime.quota import guard, usage
from aifactory_runtime.quota.usage import Usage
from tests.fixtures import usecase_repo

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
FOLDERS = ("data_uri", "artifact_uri", "capture_uri", "release_uri", "audit_uri", "events_uri", "logs_uri")


def environment(folder: Path, **quotas: Any) -> EnvironmentContract:
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    places = {name: str(folder / name) for name in FOLDERS} | {"snapshot_uri": "/s", "data_source": "d"}
    names = {"use_case": "churn", "environment": "dev", "identity": "ana", "experiment": "e", "model_name": "m"}
    return EnvironmentContract.model_validate({**places, **names, "tracking_uri": "t", "registry_uri": "r", **quotas})


def fill(folder: Path, megabytes: float) -> None:
    (folder / "data_uri" / "part").write_bytes(b"x" * round(megabytes * 1e6))


def ran(contract: EnvironmentContract, month: int, seconds: float) -> None:
    usage.note(contract, "run", seconds, NOW.replace(month=month))


def noted(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "compute").glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def begin(contract: EnvironmentContract, said: list[str] | None = None) -> None:
    with guard.within(contract, "run", (said if said is not None else []).append, NOW):
        pass


def problems(contract: EnvironmentContract, now: datetime = NOW) -> dict[str, tuple[str, int]]:
    """State and count by key."""
    found = record.read(Path(contract.events_uri)).problems.by_key
    return {key: (one.state(now), one.count) for key, one in found.items()}


def test_given_folders_when_measured_then_files_of_all_of_them_count_and_links_do_not(tmp_path: Path) -> None:
    contract = environment(tmp_path, quota_disk_gb=1)
    fill(tmp_path, 3)
    (tmp_path / "logs_uri" / "deep").mkdir()
    (tmp_path / "logs_uri" / "deep" / "log").write_bytes(b"x" * 1_000_000)
    (tmp_path / "logs_uri" / "link").symlink_to(tmp_path / "data_uri" / "part")
    assert usage.disk_gb(contract) == pytest.approx(0.004, rel=1e-3)


def test_given_runs_of_two_months_when_measured_then_only_those_of_this_month_count(tmp_path: Path) -> None:
    contract = environment(tmp_path, quota_compute_hours=10)
    for month, seconds in ((2, 3600), (1, 1800), (1, 900)):
        ran(contract, month, seconds)
    with (tmp_path / "artifact_uri" / "compute" / "2027-01.jsonl").open("a") as torn:
        torn.write('{"time": "2027-01-15", "secon')
    ran(contract, 1, 1800)
    (found,) = usage.measure(contract, NOW)
    assert found == Usage("compute", 1.25, 10, "hours of compute in 2027-01", "environments.dev.quotas.compute_hours")


def test_given_room_when_a_run_begins_then_nothing_is_said_and_its_seconds_are_counted(tmp_path: Path) -> None:
    contract = environment(tmp_path, quota_disk_gb=1, quota_compute_hours=1)
    said: list[str] = []
    begin(contract, said)
    assert (said, list(Path(contract.events_uri).iterdir())) == ([], [])
    (line,) = noted(tmp_path / "artifact_uri")
    assert (line["time"], line["who"], line["what"]) == ("2027-01-15T12:00:00+00:00", "ana", "run")
    assert line["seconds"] >= 0


def test_given_a_run_that_fails_when_counted_then_its_seconds_are_too_and_its_error_is_shown(tmp_path: Path) -> None:
    contract = environment(tmp_path, quota_compute_hours=1)
    with pytest.raises(KeyError, match="broken"), guard.within(contract, "train", print, NOW):
        raise KeyError("broken")
    assert [line["what"] for line in noted(tmp_path / "artifact_uri")] == ["train"]


def test_given_no_quotas_when_a_run_begins_then_nothing_is_measured_or_written(tmp_path: Path) -> None:
    contract = environment(tmp_path)
    begin(contract)
    assert usage.measure(contract, NOW) == []
    assert noted(tmp_path / "artifact_uri") == []


def test_fault_50_given_eighty_percent_of_disk_when_a_run_begins_then_it_is_said_and_is_one_problem(
    tmp_path: Path,
) -> None:
    contract = environment(tmp_path, quota_disk_gb=0.01)
    fill(tmp_path, 8.5)
    said: list[str] = []
    begin(contract, said)
    begin(contract, said)
    assert said[0] == (
        "quota: 0.0085 of 0.01 GB of disk are used up; at the limit nothing more runs: environments.dev.quotas.disk_gb "
        "in factory.yaml"
    )
    assert len(said) == 2
    assert problems(contract) == {"quota_near:disk": (OPEN, 2)}
    last = record.read(Path(contract.events_uri)).events[-1]
    assert last.facts == {"quota": "disk", "taken": 0.009, "limit": 0.01, "key": "environments.dev.quotas.disk_gb"}


def test_fault_50_given_room_again_when_a_run_begins_then_the_problem_is_over(tmp_path: Path) -> None:
    contract = environment(tmp_path, quota_disk_gb=0.01)
    fill(tmp_path, 8.5)
    begin(contract)
    fill(tmp_path, 12)
    with pytest.raises(FactoryError, match="has taken"):
        begin(contract)
    assert problems(contract) == {"quota_near:disk": (CLOSED, 1), "quota_used_up:disk": (OPEN, 1)}
    fill(tmp_path, 1)
    begin(contract)
    assert problems(contract) == {"quota_near:disk": (CLOSED, 1), "quota_used_up:disk": (CLOSED, 1)}


def test_fault_50_given_a_full_quota_of_disk_when_a_run_begins_then_it_is_refused_before_it_does_anything(
    tmp_path: Path,
) -> None:
    contract = environment(tmp_path, quota_disk_gb=0.01)
    fill(tmp_path, 12)
    began = False
    with pytest.raises(FactoryError) as refused, guard.within(contract, "run", print, NOW):
        began = True
    assert not began
    assert str(refused.value) == (
        "churn has taken 0.012 of 0.01 GB of disk in dev: remove what is no longer needed, or raise "
        "environments.dev.quotas.disk_gb in factory.yaml and run factory up dev"
    )
    assert problems(contract) == {"quota_used_up:disk": (OPEN, 1)}
    assert noted(tmp_path / "artifact_uri") == []


def test_fault_50_given_a_full_quota_and_a_full_disk_when_a_run_begins_then_both_are_said_and_no_half_event_stays(
    tmp_path: Path,
) -> None:
    contract = environment(tmp_path, quota_disk_gb=0.01)
    fill(tmp_path, 12)
    said: list[str] = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # as on a full disk a file can be made, not written
    try:
        with pytest.raises(FactoryError, match="has taken") as refused:
            begin(contract, said)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "of disk in dev" in str(refused.value) and problems(contract) == {}
    assert "takes no event (File too large), quota_used_up is not recorded" in said[0]


def test_fault_50_given_a_full_quota_of_compute_when_a_run_begins_then_it_is_refused_until_the_next_month(
    tmp_path: Path,
) -> None:
    contract = environment(tmp_path, quota_disk_gb=1, quota_compute_hours=1)
    ran(contract, 1, 3600)
    with pytest.raises(FactoryError, match="wait for the next month, or raise"):
        begin(contract)
    february = datetime(2027, 2, 1, tzinfo=UTC)
    assert problems(contract) == {"quota_used_up:compute": (OPEN, 1)}
    assert problems(contract, february) == {"quota_used_up:compute": (CLOSED, 1)}
    with guard.within(contract, "run", print, february):
        pass


@pytest.mark.parametrize(
    ("taken", "said"),
    [(0, "0"), (2.9e-07, "0"), (0.00109, "0.0011"), (0.0085, "0.0085"), (12.345, "12.3"), (1234.5, "1234")],
)
def test_given_any_size_when_a_usage_is_said_then_it_is_a_number_as_people_write_it(taken: float, said: str) -> None:
    assert str(Usage("disk", taken, 5, "GB of disk", "k")) == f"{said} of 5 GB of disk"


@given(quota=st.floats(0.001, 1e6), share=st.floats(0, 2))
def test_given_any_usage_when_judged_then_near_and_over_are_where_they_should_be(quota: float, share: float) -> None:
    found = Usage("disk", share * quota, quota, "GB of disk", "k")
    assert found.over <= found.near
    assert found.over is (share * quota >= quota)
    assert found.near is (share * quota >= 0.8 * quota)


@pytest.mark.slow
def test_fault_50_given_a_repo_over_its_quota_when_a_step_is_typed_then_one_line_refuses_it(tmp_path: Path) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo")

    def ingest(gigabytes: str) -> subprocess.CompletedProcess[str]:
        variables = usecase_repo.environment({"AIFACTORY_QUOTA_DISK_GB": gigabytes})
        command = usecase_repo.command("ingest")
        return subprocess.run(command, cwd=repo, env=variables, capture_output=True, text=True, check=False)

    assert ingest("1").returncode == 0
    refused = ingest("0.000001")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("factory: demo-case has taken ")
    assert refused.stderr.count("\n") == 1
    (line,) = noted(repo / ".factory" / "embedded" / "artifacts")
    assert line["what"] == "ingest"
