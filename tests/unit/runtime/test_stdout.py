"""What science prints is no answer: JSON stands on standard output alone, whatever features.py writes there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.usecase_repo import PACKAGE, commit, environment

NOISE = """
import ctypes
import os
print("seen by science")
os.write(1, b"seen by a library\\n")
ctypes.CDLL(None).printf(b"held back by a library\\n")
os.system("echo seen by a child")
"""
SAID = ["held back by a library", "seen by a child", "seen by a library", "seen by science"]


@pytest.mark.parametrize("wanted", [True, False])
def test_given_noise_of_every_kind_when_stdout_is_kept_then_the_answer_stands_there_alone(wanted: bool) -> None:
    block = "\n".join(f"    {line}" for line in NOISE.strip().splitlines())
    program = f"from aifactory_runtime import stdout\nwith stdout.kept({wanted}):\n{block}\nprint('answer')"

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    printed, said = done.stdout.splitlines(), done.stderr.splitlines()
    assert (sorted(printed), sorted(said)) == ((["answer"], SAID) if wanted else (sorted(["answer", *SAID]), []))


def test_given_science_that_fails_when_stdout_is_kept_then_it_is_given_back(capfd: pytest.CaptureFixture[str]) -> None:
    from aifactory_runtime import stdout

    with pytest.raises(ZeroDivisionError), stdout.kept():
        raise ZeroDivisionError

    os.write(1, b"answer\n")
    assert capfd.readouterr().out == "answer\n"


@pytest.mark.slow
def test_given_features_that_print_when_asked_for_json_then_every_command_answers_with_nothing_else(
    repo: Path, tmp_path: Path
) -> None:
    features = repo / "src" / PACKAGE / "features.py"
    noise = "\n".join(f"    {line}" for line in NOISE.strip().splitlines())
    features.write_text(features.read_text().replace("    return {", f"{noise}\n    return {{"))
    commit(repo, "Print")
    (tmp_path / "batches").mkdir()

    def asked(*command: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=repo, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    handoff = asked(PACKAGE, "run", "--json")
    model = repo / ".factory" / "embedded" / "artifacts" / "runs" / handoff["id"] / "model"
    assert asked(PACKAGE, "reproduce", handoff["id"], "--json")["same"]
    assert asked(PACKAGE, "score", "--json")["rows"] == 400
    assert asked(PACKAGE, "run", "--sample", "300", "--json")["version"] is None
    assert len(asked("aifactory_runtime.release.offline", str(model), "5")["predictions"]) == 5
    assert all(check["passed"] for check in asked("aifactory_runtime.release.batch_trial", str(tmp_path / "batches")))
