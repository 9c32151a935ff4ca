"""The answers file: read, refused when broken, written with the address and commit that the repo keeps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from aifactory import update
from aifactory.update import answers
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import commit, git

TEXT = "# What copier needs.\n_commit: v0.1.0\n_src_path: https://git.example/factory\nci: github\ntitle: 'Größe: 3'\n"


def test_given_an_answers_file_then_what_it_says_is_read(tmp_path: Path) -> None:
    (tmp_path / answers.FILE).write_text(TEXT, encoding="utf-8")
    found = answers.read(tmp_path)
    assert (found.address, found.commit) == ("https://git.example/factory", "v0.1.0")
    assert found.given == {"ci": "github", "title": "Größe: 3"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "has no .copier-answers.yml"),
        (b"a: [\n", "not valid YAML in line 2"),
        (b"- a\n", "does not say what the repo was made from"),
        (b"_commit: 3\n_src_path: x\n", "does not say what the repo was made from"),
        (b"_commit: \xff\n", "cannot be read"),
    ],
)
def test_fault_18_given_a_broken_answers_file_then_it_is_refused_and_the_way_back_is_named(
    tmp_path: Path, text: bytes | None, words: str
) -> None:
    if text is not None:
        (tmp_path / answers.FILE).write_bytes(text)
    with pytest.raises(UsageProblem, match=words) as raised:
        answers.read(tmp_path)
    assert "git checkout HEAD -- .copier-answers.yml" in str(raised.value)


@pytest.mark.parametrize("address", ["/srv/a folder: x", "git@git.example:f.git", "https://git.example/f", "'q'"])
def test_given_a_rendered_file_then_address_and_commit_are_the_repos_and_the_rest_stays(address: str) -> None:
    rendered = "# What copier needs.\n_src_path: /tmp/x\nci: github\n_note: y\n"
    found = answers.recorded(rendered, address, "v0.2.0")
    assert yaml.safe_load(found) == {"_commit": "v0.2.0", "_src_path": address, "ci": "github", "_note": "y"}
    assert found.startswith("# What copier needs.\n_commit: v0.2.0\n")
    assert answers.recorded(found, address, "v0.2.0") == found


def test_given_an_address_that_was_edited_since_the_last_update_then_the_one_before_is_known(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    path = tmp_path / answers.FILE

    def at(address: str, version: str) -> str:
        path.write_text(f"_commit: {version}\n_src_path: {address}\n")
        commit(tmp_path, f"{version} of {address}")
        return answers.applied(tmp_path, answers.read(tmp_path)).answers.address

    assert at("https://a.example/f", "v0.1.0") == "https://a.example/f"
    assert at("https://evil.example/f", "v0.1.0") == "https://a.example/f"
    assert at("https://b.example/f", "v0.2.0") == "https://b.example/f"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A repo whose answers were corrected after each of two updates; a commit in between broke the file."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    for version, forge in (("v0.1.0", "a"), ("v0.1.0", "b"), ("v0.2.0", "b"), (None, ""), ("v0.2.0", "c")):
        (repo / answers.FILE).write_text(f"_commit: {version}\n_src_path: x\nforge: {forge}\n" if version else "[")
        commit(repo, f"{version} {forge}")
    return repo


def test_given_answers_that_were_corrected_then_those_of_the_last_update_are_known(history: Path) -> None:
    found = answers.applied(history, answers.read(history))
    assert (found.answers.given, found.certain) == ({"forge": "b"}, True)


def test_given_an_update_that_applied_them_at_the_same_version_then_its_mark_says_so(history: Path) -> None:
    text = answers.recorded((history / answers.FILE).read_text(), "x", "v0.2.0", again=True)
    (history / answers.FILE).write_text(text)
    assert answers.applied(history, answers.read(history)).answers.given == {"forge": "c"}, "staged, not committed"
    commit(history, "Follow the factory")
    (history / "other.txt").write_text("")
    commit(history, "Work")
    assert answers.applied(history, answers.read(history)).answers.given == {"forge": "c"}
    (history / answers.FILE).write_text(text.replace("forge: c", "forge: d"))
    commit(history, "Correct it once more")
    assert answers.applied(history, answers.read(history)).answers.given == {"forge": "c"}
    assert answers.recorded(text, "x", "v0.2.0") == "_commit: v0.2.0\n_src_path: x\nforge: c\n"


@pytest.mark.parametrize(("depth", "forge", "certain"), [(1, "c", False), (3, "b", False), (4, "b", True)])
def test_given_a_shallow_clone_then_it_is_known_whether_it_reaches_back_to_the_last_update(
    history: Path, tmp_path: Path, depth: int, forge: str, certain: bool
) -> None:
    git(tmp_path, "clone", "--quiet", f"--depth={depth}", f"file://{history}", "shallow")
    found = answers.applied(tmp_path / "shallow", answers.read(tmp_path / "shallow"))
    assert (found.answers.given, found.certain) == ({"forge": forge}, certain)


@pytest.mark.parametrize(
    ("answered", "manifest", "refused"),
    [
        ("use_case: churn-2\n", "use_case: churn\n", True),
        ("use_case: churn\n", "use_case: churn\n", False),
        ("", "use_case: churn\n", False),
        ("use_case: churn\n", "use_case: [\n", False),
        ("use_case: churn\n", None, False),
    ],
)
def test_given_another_use_case_in_the_answers_than_in_the_manifest_then_an_update_refuses_it(
    tmp_path: Path, answered: str, manifest: str | None, refused: bool
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / answers.FILE).write_text(TEXT.replace("https://git.example/factory", "/nowhere") + answered)
    if manifest:
        (tmp_path / "factory.yaml").write_text(manifest)
    commit(tmp_path, "Start")
    words = "says use_case 'churn-2', factory.yaml says 'churn', .* commit, then factory update"
    with pytest.raises(FactoryError) as raised:  # where the names are one, the template is what is missing
        update.update(tmp_path, None, None, {}, lambda _line: None)
    assert bool(re.search(words, str(raised.value))) == refused
    assert raised.value.exit_code == 2 or not refused
    assert git(tmp_path, "status", "--porcelain") == ""
