"""Versions that differ: repo, tool and what applied the environment, each of the first release or as committed here.

Eight combinations, each of which has to work: the repo's model is released up to prod, served and asked, and status and
preview answer; a repo that moved on goes back, in prod too, to what it released with the runtime of before. What cannot
work, a later form of an environment or of a repo, is said in one sentence that names who moves.
What the newest tool applied is tried by `make thorough`: where all is new the end-to-end tests are, too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.spine import FACTORY, Spine
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import clone_with_tags
from tests.template.support import render

pytestmark = pytest.mark.slow
SIDES = ("old", "new")
USE_CASES = {"old": "who-stays", "new": "who-leaves"}
"""One use case a version of its repo; the name tells which."""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this checkout's commit, with the tags of its releases."""
    return clone_with_tags(tmp_path_factory.mktemp("factory") / "factory").folder


@pytest.fixture(scope="module")
def tools(factory: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The command `factory` of the first release and of this checkout."""
    code = tmp_path_factory.mktemp("tool") / "code"
    git(factory, "worktree", "add", "--quiet", "--detach", str(code), "v0.1.0")
    script = code.with_name("factory")
    call = "from aifactory.cli.start import main; main()"
    script.write_text(
        f"#!/bin/sh\nPYTHONPATH={code}:{code / 'runtime/src'} exec {sys.executable} -P -c '{call}' \"$@\"\n"
    )
    script.chmod(0o755)
    return {"old": str(script), "new": FACTORY}


@pytest.fixture(scope="module")
def repos(factory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two repos with environments of their own: one of the first release, one as committed here."""
    folder = tmp_path_factory.mktemp("repos")
    for side, name in USE_CASES.items():
        repo = folder / name
        render(factory, repo, {"use_case": name}, {"old": "v0.1.0", "new": "HEAD"}[side])
        git(repo, "init", "--quiet", "--initial-branch=main")
        commit(repo, "Start")
        _set_up(repo)
    return folder


@pytest.fixture(scope="module", params=["old", pytest.param("new", marks=pytest.mark.long)])
def applied(
    request: pytest.FixtureRequest, repos: Path, tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Spine]]:
    """Both use cases in all environments of one platform, all applied by the tool of one side."""
    home = tmp_path_factory.mktemp(f"by-{request.param}")
    found = {side: Skewed(repos, name, home / "home") for side, name in USE_CASES.items()}
    tool = tools[request.param]
    try:
        for spine in found.values():
            spine.must(spine.run(tool, "up", "--platform"))
        yield found
    finally:
        protected = [word for name in USE_CASES.values() for word in ("--unprotect", f"{name}.prod")]
        found["new"].run(tool, "destroy", "--all", "--yes", *protected, cwd=home)


class Skewed(Spine):
    """A use case whose home is not beside its repo."""

    def __init__(self, folder: Path, use_case: str, home: Path) -> None:
        super().__init__(folder, use_case)
        object.__setattr__(self, "_home", home)

    @property
    def home(self) -> Path:
        found: Path = self.__dict__["_home"]
        return found


@pytest.mark.parametrize("repo", SIDES)
def test_given_versions_that_differ_then_models_are_trained_released_and_asked_all_the_same(
    applied: Mapping[str, Spine], tools: dict[str, str], repo: str
) -> None:
    spine = applied[repo]
    spine.must(spine.python("run", environment="dev"))
    for side, tool in tools.items():
        _release(spine, tool)
        status, answer = spine.ask("prod", spine.row(), token=_token(spine))
        assert (status, len(answer.get("predictions", []))) == (200, 1), f"tool {side}"
        assert USE_CASES[repo] in spine.must(spine.run(tool, "status")).out
        spine.must(spine.run(tool, "preview", "dev"))
        traced = spine.must(spine.run(tool, "trace", answer["prediction_ids"][0], "--env", "prod"))
        assert git(spine.repo, "rev-parse", "HEAD") in traced.out


def test_given_a_repo_that_moved_on_then_each_tool_goes_back_to_what_the_older_runtime_released(
    applied: Mapping[str, Spine], tools: dict[str, str], tmp_path: Path
) -> None:
    older = applied["old"]
    older.must(older.python("run", environment="dev"))
    _release(older, tools["old"])
    before = older.serving("prod")["champion"]
    spine = Skewed(tmp_path, older.use_case, older.home)
    _move_on(older.repo, spine)
    spine.must(spine.python("run", environment="dev"))
    _release(spine, tools["new"])
    after = spine.serving("prod")["champion"]
    assert after["version"] == before["version"], "the model stays"
    assert after["commit"] != before["commit"], "its code moves"
    earlier = spine.ask("prod", spine.row(), token=_token(spine))

    for tool, environment in ((tools["old"], "staging"), (tools["new"], "prod")):
        spine.must(spine.run(tool, "rollback", "--env", environment))
        assert spine.serving(environment)["champion"]["commit"] == before["commit"]
    status, answer = spine.ask("prod", spine.row(), token=_token(spine))

    assert (status, answer["predictions"]) == (200, earlier[1]["predictions"])
    for one in (answer, earlier[1]):
        spine.must(spine.run(tools["new"], "trace", one["prediction_ids"][0], "--env", "prod"))
    assert spine.use_case in spine.must(spine.run(tools["new"], "status")).out


def _release(spine: Spine, tool: str) -> None:
    """Up to prod."""
    for environment in ("dev", "staging", "prod"):
        spine.must(spine.run(tool, "release", "--to", environment))


def _move_on(repo: Path, spine: Skewed) -> None:
    """A clone of `repo` that knows its environments and follows the factory to this checkout's commit."""
    git(repo, "clone", "--quiet", str(repo), str(spine.repo))
    shutil.copytree(repo / ".factory", spine.repo / ".factory", ignore=shutil.ignore_patterns("embedded"))
    spine.must(spine.run(FACTORY, "update", "--to", "HEAD"))
    commit(spine.repo, "Follow the factory")
    _set_up(spine.repo)


def _set_up(repo: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(["make", "setup", f"UV={uv}"], cwd=repo, check=True, capture_output=True)


def test_given_an_environment_or_a_repo_in_a_later_form_then_one_sentence_says_which_side_has_to_move(
    repos: Path, tools: dict[str, str], tmp_path: Path
) -> None:
    spine = Skewed(repos, USE_CASES["new"], tmp_path / "home")
    (spine.repo / ".factory").mkdir(exist_ok=True)
    (spine.repo / ".factory" / "prod.json").write_text(json.dumps({"contract_version": 2, "use_case": spine.use_case}))
    refused = spine.must(spine.python("run", environment="prod"), 2)
    assert refused.err.count("\n") == 1
    assert refused.err.endswith("this repo has to move: factory update\n")
    later = tmp_path / "later"
    later.mkdir()
    stated = (spine.repo / "factory.yaml").read_text()
    assert "schema: 1" in stated
    (later / "factory.yaml").write_text(stated.replace("schema: 1", "schema: 2"))
    refused = spine.must(spine.run(tools["new"], "status", cwd=later), 2)
    assert refused.err.count("\n") == 1
    assert "the repo stays, the tool has to move" in refused.err


def _token(spine: Spine) -> str:
    return str(json.loads(Path(spine.contract("prod")["endpoint_token_file"]).read_text())["token"])
