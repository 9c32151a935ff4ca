r"""A repo of ours under the rules of Renovate's copier manager, as its documentation and source state them.

Files: `/(^|/)\.copier-answers(\..+)?\.ya?ml/`. Address: a URL or git@host:path, asked for its tags by git.
Versions: PEP 440. Command: copier update --skip-answered --defaults --answers-file FILE --vcs-ref TAG, no --trust.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.version import Version

from aifactory.scaffold import origin
from aifactory.update import answers
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import make_released, make_repo

FILES = re.compile(r"(^|/)\.copier-answers(\..+)?\.ya?ml")
SSH = re.compile(r"^git@[^:]*:.+$")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/company/factory",
        "https://gitlab.example/company/factory.git",
        "git@gitlab.example:company/factory.git",
    ],
)
def test_given_an_address_that_git_knows_then_what_a_repo_keeps_is_one_that_git_and_renovate_know(address: str) -> None:
    kept = origin.as_git(address)
    assert SSH.match(kept) or urlsplit(kept).scheme in {"https", "ssh"}


@pytest.mark.slow
def test_given_a_repo_then_renovates_rules_find_its_version_and_its_command_brings_the_next(tmp_path: Path) -> None:
    released = make_released(tmp_path / "factory")
    repo = make_repo(released, tmp_path / "repo")
    makefile = repo / "Makefile"
    makefile.write_text(makefile.read_text().replace("-include local.mk", "# mine\n-include local.mk"))
    commit(repo, "An edit of the owner")

    (found,) = [name for name in git(repo, "ls-files").splitlines() if FILES.search(name)]
    known = answers.read(repo)
    tags = re.findall(r"refs/tags/(\S+?)(?:\^\{\})?$", git(repo, "ls-remote", "--tags", known.address), re.MULTILINE)
    newest = max(tags, key=Version)
    assert (known.commit, newest) == ("v0.1.0", "v0.2.0")
    command = [sys.executable, "-m", "copier", "update", "--skip-answered", "--defaults"]
    subprocess.run([*command, "--answers-file", found, "--vcs-ref", newest], cwd=repo, check=True, capture_output=True)

    assert answers.read(repo).commit == "v0.2.0"
    assert "# mine" in makefile.read_text()
    assert "List all targets." in makefile.read_text()
    assert git(repo, "diff", "--name-only", "--diff-filter=U") == ""
