"""`scheduler` and `worker` as people and platforms start them: who finds whom, what is refused, how they end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.cluster.connect import connect
from aifactory_runtime.cluster.facts import Released
from aifactory_runtime.pipeline.reproduction import provenance
from tests.fixtures import usecase_repo
from tests.fixtures.cluster import MakeCertificates
from tests.fixtures.usecase_repo import PACKAGE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return usecase_repo.make_repo(tmp_path_factory.mktemp("cluster") / "repo", rows=5)


def _start(repo: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        usecase_repo.command(*words, "--until-stdin-ends"),
        cwd=repo,
        env=usecase_repo.environment(),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ready(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    lines: Iterator[str] = iter(process.stderr)
    return next(line for line in lines if line.startswith("ready at ")).split()[-1]


def test_given_certificates_when_both_are_started_then_a_run_of_the_same_commit_computes_there(
    committed: Path, tmp_path: Path, make_certificates: MakeCertificates
) -> None:
    tls = make_certificates(tmp_path / "tls")
    made_from = provenance.collect(committed, PACKAGE)
    scheduler = _start(committed, "scheduler", "--port", "0", "--tls", str(tls))
    address = _ready(scheduler)
    assert address.startswith("tls://127.0.0.1:")
    worker = _start(committed, "worker", "--scheduler", address, "--memory-limit", "1GiB", "--tls", str(tls))
    _ready(worker)

    with connect(address, tls, Released(made_from.commit, made_from.lock_sha256)) as client:
        assert client.submit(sum, [1, 2]).result() == 3
        assert client.submit(os.getpid).result() not in (os.getpid(), worker.pid)
    for process in (worker, scheduler):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("scheduler", "--host", "192.0.2.1", "--port", "1"), "lets in whoever reaches it"),
        (("worker", "--scheduler", "tcp://10.0.0.5:8786"), "lets in whoever reaches it"),
        (("worker", "tls://10.0.0.5:8786"), "asks for certificates"),
        (("worker",), "of which scheduler?"),
    ],
)
def test_given_an_open_address_when_started_then_it_is_refused(
    committed: Path, words: tuple[str, ...], said: str
) -> None:
    done = usecase_repo.run(committed, *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_given_files_that_are_not_committed_when_a_worker_is_started_then_it_is_refused(committed: Path) -> None:
    extra = committed / "src" / PACKAGE / "extra.py"
    extra.write_text("")
    done = usecase_repo.run(committed, "worker", "tcp://127.0.0.1:1")
    extra.unlink()
    assert done.returncode == 2
    assert "files are not committed" in done.stderr


def test_given_no_scheduler_when_a_worker_is_started_then_one_line_says_so(committed: Path) -> None:
    done = usecase_repo.run(committed, "worker", "tcp://127.0.0.1:1", "--death-timeout", "1")
    assert done.returncode == 1
    assert "the scheduler at tcp://127.0.0.1:1 does not take this worker" in done.stderr.splitlines()[-1]
