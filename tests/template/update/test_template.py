"""`factory update` and where its template is: moved, on a network, without tags, gone; and wrong answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from copier import run_update

from aifactory import releases, update
from aifactory.update import answers
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import ReleasedTemplate, copied, make_repo
from tests.template.update.following import edit, everything, follow, stands

pytestmark = pytest.mark.slow


def test_fault_14_given_a_newer_repo_then_an_older_version_is_refused_with_the_way_back(
    released: ReleasedTemplate, tmp_path: Path
) -> None:
    newer = make_repo(released, tmp_path / "newer", "v0.2.0")
    with pytest.raises(UsageProblem, match=r"this repo is at 0\.2\.0, and 0\.1\.0 is not after it.*revert"):
        follow(newer, "0.1.0")
    assert follow(newer, "0.2.0").changes_nothing


def vanished(repo: Path) -> None:
    edit(repo, answers.FILE, "_commit: v0.1.0", "_commit: 0123456789abcdef0123456789abcdef01234567")


def broken(repo: Path) -> None:
    (repo / answers.FILE).write_text("_commit: [\n")


def another_address(repo: Path) -> None:
    (repo / answers.FILE).write_text(f"_commit: v0.1.0\n_src_path: {repo}\n")


def gone_folder(repo: Path) -> None:
    edit(repo, answers.FILE, "_commit: v0.1.0", "_commit: v0.0.9")
    (repo / answers.FILE).write_text("_commit: v0.0.9\n_src_path: /nowhere/factory\n")


def bad_answer(repo: Path) -> None:
    edit(repo, answers.FILE, "forge: github", "forge: jenkins")


def untouched(_repo: Path) -> None:
    pass


def dirty(repo: Path) -> None:
    edit(repo, "README.md", "#", "##")


def test_given_an_answer_that_was_corrected_then_an_update_changes_its_files_once_and_status_tells(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repo, answers.FILE, "forge: github", "forge: gitlab")
    commit(repo, "We are at GitLab")
    edit(repo, "Makefile", "-include local.mk", "# my line\n-include local.mk")
    commit(repo, "A line of ours")
    assert stands(repo, "0.1.0", monkeypatch).behind

    plan = follow(repo, "0.1.0")

    assert "answers that you changed since the last update: forge" in plan.notes
    assert (repo / ".gitlab-ci.yml").is_file()
    assert not list((repo / ".github").rglob("*.yml"))
    assert "# my line" in (repo / "Makefile").read_text()
    commit(repo, "Follow the factory 0.1.0")
    now = stands(repo, "0.1.0", monkeypatch)
    assert (now.behind, [one.path for one in now.edited]) == (False, ["Makefile"])
    assert follow(repo, "0.1.0").changes_nothing
    by_copier = copied(repo, repo.with_name("by-copier"))
    run_update(by_copier, defaults=True, quiet=True, overwrite=True, vcs_ref="v0.2.0")
    follow(repo)
    assert (by_copier / answers.FILE).read_text() == (repo / answers.FILE).read_text()
    assert "_applied" not in (repo / answers.FILE).read_text()


def test_given_a_shallow_clone_of_the_repo_then_it_follows_and_what_it_cannot_know_is_said(
    repo: Path, tmp_path: Path
) -> None:
    edit(repo, answers.FILE, "forge: github", "forge: gitlab")
    commit(repo, "We are at GitLab")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repo}", "shallow")
    shallow = tmp_path / "shallow"

    plan = follow(shallow, dry_run=True)

    assert [note for note in plan.notes if "git fetch --unshallow" in note]
    assert ".gitlab-ci.yml" not in {step.path for step in plan.steps}
    git(shallow, "fetch", "--quiet", "--unshallow")
    plan = follow(shallow)
    assert not [note for note in plan.notes if "--unshallow" in note]
    assert (shallow / ".gitlab-ci.yml").is_file()
    assert answers.read(shallow).commit == "v0.2.0"


@pytest.mark.parametrize(
    ("prepare", "committed", "to", "words"),
    [
        (untouched, True, "0.9.0", r"has no 0\.9\.0"),
        (vanished, True, "0.2.0", "has no 0123456789abcdef.*factory new"),
        (broken, True, "0.2.0", "not valid YAML"),
        (another_address, True, "0.2.0", "If the template really moved: factory update --template"),
        (gone_folder, True, "0.2.0", "the template is not at /nowhere/factory any more"),
        (bad_answer, True, "0.2.0", "the answer forge: 'jenkins'"),
        (dirty, False, "0.2.0", r"README\.md has changes that are not committed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_faults_15_17_18_given_what_stands_in_the_way_then_one_line_says_what_to_do_and_nothing_changes(
    repo: Path, prepare: object, committed: bool, to: str, words: str
) -> None:
    if callable(prepare):
        prepare(repo)
    if committed and git(repo, "status", "--porcelain"):
        commit(repo, "Something is wrong now")
    before = everything(repo)
    with pytest.raises(FactoryError, match=words) as raised:
        follow(repo, to)
    assert "\n" not in str(raised.value)
    assert everything(repo) == before


def test_given_a_template_that_moved_then_its_new_address_is_taken_and_kept(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "moved"
    git(tmp_path, "clone", "--quiet", str(released.folder), str(elsewhere))
    follow(repo, address=str(elsewhere))
    assert answers.read(repo).address == str(elsewhere)


def test_given_a_template_that_moved_when_there_is_nothing_to_update_then_its_new_address_is_kept_all_the_same(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "moved"
    git(tmp_path, "clone", "--quiet", str(released.folder), str(elsewhere))

    plan = follow(repo, "0.1.0", address=str(elsewhere))

    assert not plan.changes_nothing
    assert git(repo, "status", "--porcelain") == f"M  {answers.FILE}"
    assert any(f"is {elsewhere} from now on" in note for note in plan.notes)
    commit(repo, "The template moved")
    assert answers.read(repo).address == str(elsewhere)
    assert follow(repo, "0.1.0").changes_nothing
    edit(repo, answers.FILE, str(elsewhere), str(released.folder))
    commit(repo, "An edit by hand")
    with pytest.raises(UsageProblem, match=f"at the last update it was {elsewhere}"):
        follow(repo)


@contextmanager
def served(folder: Path, log: Path) -> Iterator[int]:
    """Git's own server for the repos in `folder` on a free port of this machine, which it gets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = ["git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}"]
    asked = ["git", "ls-remote", f"git://127.0.0.1:{port}/factory.git"]
    with log.open("w") as said:
        command += [f"--base-path={folder}", str(folder)]
        server = subprocess.Popen(command, stderr=said, start_new_session=True)
    try:
        while server.poll() is None and subprocess.run(asked, check=False, capture_output=True).returncode:
            time.sleep(0.05)
        assert server.poll() is None, log.read_text()
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def test_given_a_template_on_a_network_then_it_is_followed_and_what_is_released_later_is_fetched(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", str(released.folder), str(folder / "factory.git"))
    with served(folder, tmp_path / "log") as port:
        address = f"git://127.0.0.1:{port}/factory.git"
        follow(repo, "0.1.0", address=address)
        commit(repo, "The template is on a network")
        later = ReleasedTemplate(tmp_path / "later")
        git(tmp_path, "clone", "--quiet", str(released.folder), str(later.folder))
        later.replace("template/Makefile.jinja", "List all targets.", "List each target.")
        later.release("0.3.0", "- Targets are listed better still.")
        git(later.folder, "push", "--quiet", "--tags", str(folder / "factory.git"), "HEAD")
        follow(repo, "0.3.0")
    assert "List each target." in (repo / "Makefile").read_text()
    assert (answers.read(repo).address, answers.read(repo).commit) == (address, "v0.3.0")
    with pytest.raises(FactoryError, match=f"the template at {address} cannot be fetched: ") as raised:
        update.versions.find(repo, None, None, {})
    assert "\n" not in str(raised.value)


def test_given_a_clone_of_the_template_without_tags_then_its_list_of_releases_serves(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--no-tags", "--bare", str(released.folder), str(bare))
    plan = follow(repo, address=f"file://{bare}")
    (known,) = [one for one in releases.read((released.folder / releases.FILE).read_text()) if one.version == "0.2.0"]
    assert plan.change_set.title == "0.1.0 to 0.2.0"
    assert answers.read(repo).commit == known.commit
