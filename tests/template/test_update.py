"""`factory update` in real repos made by copier from real releases: followed, refused, finished, undone."""

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

from aifactory import releases, scaffold, update
from aifactory.update import answers, tree
from aifactory.update import plan as plan_module
from aifactory.update.plan import Plan
from aifactory.update.standing import Standing, keep_new, standing
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import DAY, ReleasedTemplate, copied, make_released, make_repo
from tests.template.support import YOURS, files

pytestmark = pytest.mark.slow
TOOLZ = """\
toolz==1.1.0 \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
"""
EDITED = {"Makefile", ".dockerignore", ".gitattributes"}
MOVED = ("docs/extending.md", "docs/own-behaviour.md")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> ReleasedTemplate:
    return make_released(tmp_path_factory.mktemp("released") / "factory")


@pytest.fixture(scope="module")
def first(released: ReleasedTemplate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo of 0.1.0; read only."""
    return make_repo(released, tmp_path_factory.mktemp("first") / "repo")


@pytest.fixture
def repo(first: Path, tmp_path: Path) -> Path:
    return copied(first, tmp_path / "repo")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACTORY_CACHE", str(tmp_path / "cache"))


def follow(repo: Path, to: str | None = "0.2.0", *, address: str | None = None, dry_run: bool = False) -> Plan:
    return update.update(repo, to, address, {}, lambda _line: None, dry_run=dry_run)


def edit(repo: Path, path: str, old: str, new: str) -> None:
    text = (repo / path).read_text(encoding="utf-8")
    assert old in text
    (repo / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def everything(repo: Path) -> dict[str, bytes]:
    return {path: (repo / path).read_bytes() for path in tree.files_of(repo) if not path.startswith(".factory/")}


def test_given_a_repo_nobody_edited_then_it_is_as_the_new_version_makes_one_and_as_copier_updates_it(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    by_copier = copied(repo, tmp_path / "by-copier")
    plan = follow(repo)

    assert git(repo, "log", "--oneline").count("\n") == 0, "it must not commit"
    assert all(line[1] == " " for line in git(repo, "status", "--porcelain").splitlines())
    new = make_repo(released, tmp_path / "new", "v0.2.0")
    for path in files(new) - YOURS:
        assert (repo / path).read_bytes() == (new / path).read_bytes(), path
    assert files(repo) - YOURS == files(new) - YOURS
    run_update(by_copier, defaults=True, quiet=True, overwrite=True, vcs_ref="v0.2.0")
    assert everything(by_copier) == everything(repo)
    assert plan.way.changelog == "## 0.2.0\n\n- Targets are listed better. Nothing to do."
    assert not plan.move.conflicts


def test_given_a_dry_run_then_the_plan_is_the_same_and_nothing_is_touched(repo: Path) -> None:
    before = everything(repo)
    plan = follow(repo, dry_run=True)
    assert everything(repo) == before
    assert git(repo, "status", "--porcelain") == ""
    assert {step.path: step.outcome.name for step in plan.steps} == {
        ".dockerignore": "REMOVE",
        "Makefile": "CHANGE",
        MOVED[0]: "REMOVE",
        MOVED[1]: "ADD",
        "docs/on-call.md": "ADD",
    }


def test_fault_13_given_edits_in_files_that_changed_moved_or_went_then_each_is_kept(repo: Path) -> None:
    edit(repo, "Makefile", "-include local.mk", "# my line\n-include local.mk")
    (repo / MOVED[0]).write_text((repo / MOVED[0]).read_text(encoding="utf-8") + "\nMy note.\n", encoding="utf-8")
    (repo / ".dockerignore").write_text("mine\n")
    (repo / "data" / "extra.bin").write_bytes(bytes(range(256)))
    (repo / "latin.txt").write_bytes(b"caf\xe9\r\n")
    commit(repo, "Work of the owner")
    (repo / "notes.txt").write_text("in no commit\n")

    plan = follow(repo)

    assert not plan.move.conflicts
    assert "# my line" in (repo / "Makefile").read_text()
    assert "List all targets." in (repo / "Makefile").read_text()
    assert "My note." in (repo / MOVED[1]).read_text(encoding="utf-8")
    assert not (repo / MOVED[0]).exists()
    assert (repo / ".dockerignore").read_text() == "mine\n"
    assert (repo / "data" / "extra.bin").read_bytes() == bytes(range(256))
    assert (repo / "latin.txt").read_bytes() == b"caf\xe9\r\n"
    assert (repo / "notes.txt").read_text() == "in no commit\n"
    assert {step.path: step.outcome.name for step in plan.steps}[".dockerignore"] == "KEEP_EDITED"


def test_fault_12_given_deleted_files_of_both_then_they_stay_deleted(repo: Path) -> None:
    for path in ("Makefile", MOVED[0], "notebooks/explore.ipynb", "src/tumour_triage/features.py"):
        (repo / path).unlink()
    commit(repo, "Not needed here")
    plan = follow(repo)
    for path in ("Makefile", *MOVED, "notebooks/explore.ipynb", "src/tumour_triage/features.py"):
        assert not (repo / path).exists(), path
    kept = {step.path for step in plan.steps if step.outcome.name == "KEEP_DELETED"}
    assert kept == {"Makefile", MOVED[1]}


def test_fault_11_given_edits_of_the_same_lines_then_both_are_left_and_the_owner_decides(repo: Path) -> None:
    edit(repo, "Makefile", "List the targets.", "What can be done here.")
    commit(repo, "Say it better")
    (repo / "docs" / "on-call.md").write_text("# Ours\n")
    commit(repo, "Who is called")
    before = everything(repo)

    plan = follow(repo)

    why = {change.path: change.why for change in plan.move.conflicts}
    assert set(why) == {"Makefile", "docs/on-call.md"}
    assert "Say it better" in why["Makefile"]
    assert why["docs/on-call.md"].startswith("yours (")
    text = (repo / "Makefile").read_text()
    assert "What can be done here." in text
    assert "List all targets." in text
    with pytest.raises(UsageProblem, match="waits for your decisions: factory update --continue"):
        follow(repo)
    with pytest.raises(NeedsPerson, match="Makefile:"):
        update.go_on(repo)
    update.abort(repo)
    assert everything(repo) == before
    assert git(repo, "status", "--porcelain") == ""

    follow(repo)
    (repo / "Makefile").write_text(text.split("<<<<<<<")[0])
    (repo / "docs" / "on-call.md").write_text("# Ours\n")
    update.go_on(repo)
    commit(repo, "Follow the factory 0.2.0")
    assert answers.read(repo).commit == "v0.2.0"
    assert (repo / "docs" / "on-call.md").read_text() == "# Ours\n"


def test_given_a_picture_that_both_changed_and_the_factory_moved_then_both_versions_can_be_had(
    released: ReleasedTemplate, tmp_path: Path
) -> None:
    made = ReleasedTemplate(copied(released.folder, tmp_path / "with-pictures"))
    first, second = made.folder / "template/docs/first.png", made.folder / "template/docs/second.png"
    first.write_bytes(bytes(range(256)) * 8)
    made.release("0.3.0", "- A picture. Nothing to do.")
    repo = make_repo(made, tmp_path / "repo", "v0.3.0")
    first.rename(second)
    second.write_bytes(bytes(range(256)) * 8 + b"its")
    made.release("0.4.0", "- Another one. Nothing to do.")
    (repo / "docs" / "first.png").write_bytes(bytes(range(256)) * 8 + b"mine")
    commit(repo, "A better picture")
    before = everything(repo)

    plan = follow(repo, "0.4.0", address=str(made.folder))

    (why,) = [change.why for change in plan.move.conflicts]
    assert "A better picture" in why
    assert why.endswith("and the factory changed it, too")
    assert not (repo / "docs" / "first.png").exists()
    assert (repo / "docs" / "second.png").read_bytes().endswith(b"mine")
    git(repo, "checkout", "--theirs", "--", "docs/second.png")
    assert (repo / "docs" / "second.png").read_bytes().endswith(b"its")
    update.abort(repo)
    assert everything(repo) == before


def test_given_an_empty_file_of_the_owners_where_the_factory_puts_one_then_it_stays_until_the_owner_decides(
    repo: Path,
) -> None:
    (repo / "docs" / "on-call.md").write_text("")
    commit(repo, "To be written")
    plan = follow(repo)
    assert [change.path for change in plan.move.conflicts] == ["docs/on-call.md"]
    with pytest.raises(NeedsPerson, match=r"on-call\.md: choose one"):
        update.go_on(repo)
    assert (repo / "docs" / "on-call.md").read_text() == ""


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
    assert plan.move.title == "0.1.0 to 0.2.0"
    assert answers.read(repo).commit == known.commit


def test_given_no_repo_or_no_commit_then_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="is in no git repo"):
        update.top(tmp_path)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UsageProblem, match="has no commit yet"):
        update.top(tmp_path)


def test_given_a_file_of_the_owner_that_git_ignores_where_the_factory_puts_one_then_it_is_named(repo: Path) -> None:
    (repo / "docs" / ".gitignore").write_text("on-call.md\n")
    commit(repo, "Keep it out")
    (repo / "docs" / "on-call.md").write_text("only here\n")
    with pytest.raises(UsageProblem, match=r"docs/on-call\.md is in no commit"):
        follow(repo)
    assert (repo / "docs" / "on-call.md").read_text() == "only here\n"


def test_given_odd_things_in_the_repo_then_none_of_them_is_touched(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    (other / "a.txt").write_text("a\n")
    commit(other, "Start")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(other), "lib")
    (repo / "link.csv").symlink_to("data/sample.csv")
    (repo / "big.bin").write_bytes(os.urandom(1024) * 20_000)
    (repo / "dos.txt").write_bytes(b"a\r\nb\r\n")
    (repo / "tool.sh").write_text("#!/bin/sh\n")
    (repo / "tool.sh").chmod(0o755)
    commit(repo, "Odd things")
    before = tree.of_commit(repo, "HEAD")

    plan = follow(repo)
    commit(repo, "Follow the factory 0.2.0")

    after = tree.of_commit(repo, "HEAD")
    touched = {change.path for change in plan.move.changes}
    assert {path: entry for path, entry in before.items() if path not in touched} == {
        path: entry for path, entry in after.items() if path not in touched
    }
    assert {"lib", "link.csv", "big.bin", "dos.txt", "tool.sh"} <= after.keys() - touched
    assert git(repo, "status", "--porcelain") == ""


def opposed(released: ReleasedTemplate, folder: Path) -> ReleasedTemplate:
    """A factory whose 0.2.0 pins toolz, which no release did before."""
    git(folder.parent, "clone", "--quiet", str(released.folder), str(folder))
    git(folder, "reset", "--quiet", "--hard", "v0.1.0~0")
    made = ReleasedTemplate(folder)
    made.write(releases.FILE, releases.write([]))
    git(folder, "tag", "--delete", "v0.2.0")
    known = releases.Release("0.1.0", git(folder, "rev-parse", "v0.1.0^{commit}"), DAY)
    made.write(releases.FILE, releases.write([known]))
    lock = "template/requirements/factory-dev.txt"
    made.write(lock, (folder / lock).read_text() + TOOLZ)
    made.release("0.2.0", "- toolz is there. Nothing to do.")
    return made


def test_given_a_package_that_the_factory_now_pins_otherwise_then_both_sides_are_named(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    made = opposed(released, tmp_path / "opposed")
    (repo / "requirements" / "science.in").write_text("# mine\ntoolz==1.0.0\n")
    commit(repo, "Need toolz")
    before = everything(repo)
    with pytest.raises(UsageProblem, match=r"science\.in:2 wants toolz==1\.0\.0, and .* of 0\.2\.0 pins toolz 1\.1\.0"):
        follow(repo, address=str(made.folder))
    assert everything(repo) == before


@pytest.mark.parametrize("wanted", ["partd==1.4.2\n", "-r more.in\n"])
def test_given_an_owners_package_that_needs_what_the_factory_now_pins_then_the_owners_lock_is_resolved_again(
    released: ReleasedTemplate, repo: Path, tmp_path: Path, wanted: str
) -> None:
    made = opposed(released, tmp_path / "opposed")
    (repo / "requirements" / "science.in").write_text(wanted)
    (repo / "requirements" / "more.in").write_text("partd==1.4.2\n")
    (repo / "requirements" / "science.txt").write_text("locket==1.0.0\npartd==1.4.2\ntoolz==1.0.0\n")
    commit(repo, "Need partd")

    plan = follow(repo, address=str(made.folder))

    locked = (repo / "requirements" / "science.txt").read_text()
    assert "partd==1.4.2 \\\n    --hash=sha256:" in locked
    assert "toolz" not in locked
    assert any("toolz 1.0.0 to the factory has it" in note for note in plan.notes)


def stands(repo: Path, to: str, monkeypatch: pytest.MonkeyPatch) -> Standing:
    """Where the repo stands for a tool of that version."""
    monkeypatch.setattr("aifactory.update.versions.__version__", to)
    manifest = yaml_model.load(repo / "factory.yaml", Manifest).model_dump(mode="json")
    return standing(repo, manifest, {})


def test_given_edits_and_a_newer_release_then_status_says_how_far_and_what_an_update_would_do(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repo, "Makefile", "-include local.mk", "# my line\n-include local.mk")
    (repo / ".dockerignore").unlink()
    edit(repo, answers.FILE, "scoring: online", "scoring: batch")
    edit(repo, ".gitattributes", "/vendor/**", "/vendor/*")
    commit(repo, "Edits of the owner")

    now = stands(repo, "0.1.0", monkeypatch)
    assert (now.version, now.newest, now.behind, now.changelog) == ("0.1.0", "0.1.0", False, "")
    assert list(now.notes) == ["release 0.2.0 is there; this factory is 0.1.0, so install that one to go there"]
    then = stands(repo, "0.2.0", monkeypatch)
    assert (then.version, then.newest, then.behind) == ("0.1.0", "0.2.0", True)
    assert then.changelog.endswith("Targets are listed better. Nothing to do.")
    said = {one.path: (one.since.partition(" ")[2], one.will) for one in then.edited if one.path in EDITED}
    assert said == {
        "Makefile": ("Edits of the owner", "update merges your edit with the factory's change"),
        ".dockerignore": ("Edits of the owner", "update leaves it as it is"),
        ".gitattributes": ("Edits of the owner", "update leaves it as it is"),
    }
    assert any("scoring: .copier-answers.yml says 'batch', factory.yaml says 'online'" in one for one in then.untrue)


def test_given_a_status_of_before_then_nothing_is_rendered_for_the_next_one_nor_after_an_update(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_look = stands(repo, "0.2.0", monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(plan_module, "render_both", None)
        assert stands(repo, "0.2.0", monkeypatch) == first_look
    follow(repo)
    commit(repo, "Follow the factory 0.2.0")
    monkeypatch.setattr(plan_module, "render_both", None)
    after = stands(repo, "0.2.0", monkeypatch)
    assert (after.version, after.behind, after.edited, after.untrue) == ("0.2.0", False, (), ())


def executable(folder: Path, script: str) -> Path:
    path = folder / "10-ours"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_given_a_companys_hook_then_what_it_adds_is_part_of_the_change(repo: Path, tmp_path: Path) -> None:
    hook = executable(tmp_path, "echo 'cost: 7' > company.yaml; echo '# ours' >> Makefile; touch .env.local")
    update.update(repo, "0.2.0", None, {}, lambda _line: None, hooks=[hook])
    assert (repo / "company.yaml").read_text() == "cost: 7\n"
    assert (repo / "Makefile").read_text().endswith("# ours\n")
    assert "List all targets." in (repo / "Makefile").read_text()
    staged = git(repo, "diff", "--cached", "--name-only").splitlines()
    assert {"company.yaml", "Makefile"} <= set(staged)
    assert ".env.local" not in staged, "git ignores it"
    assert git(repo, "worktree", "list").count("\n") == 0


def test_given_work_of_the_owner_while_hooks_run_then_it_is_named_and_nothing_is_written(
    repo: Path, tmp_path: Path
) -> None:
    hook = executable(tmp_path, f"echo '# my work' >> {repo}/Makefile")
    with pytest.raises(UsageProblem, match="Makefile is not as the last commit has it: nothing was written"):
        update.update(repo, "0.2.0", None, {}, lambda _line: None, hooks=[hook])
    assert git(repo, "status", "--porcelain").split() == ["M", "Makefile"]
    assert (repo / "Makefile").read_text().endswith("# my work\n")


def test_given_a_conflict_committed_with_its_markers_then_update_and_status_say_so_and_work(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repo, "Makefile", "List the targets.", "What can be done here.")
    commit(repo, "Say it better")
    follow(repo)
    git(repo, "commit", "--quiet", "--all", "--message", "Follow the factory 0.2.0")
    said: list[str] = []
    plan = update.update(repo, "0.2.0", None, {}, said.append)
    assert any("the update 0.1.0 to 0.2.0 is closed" in line for line in said)
    assert any("Makefile:" in note and "holds a conflict" in note for note in plan.notes)
    assert any("holds a conflict" in note for note in stands(repo, "0.2.0", monkeypatch).notes)


def test_given_a_companys_hook_that_fails_then_the_repo_is_whole_and_the_hook_named(repo: Path, tmp_path: Path) -> None:
    before = everything(repo)
    hook = executable(tmp_path, "echo half > company.yaml; exit 1")
    with pytest.raises(FactoryError, match="10-ours ended with 1: nothing was changed"):
        update.update(repo, "0.2.0", None, {}, lambda _line: None, hooks=[hook])
    assert everything(repo) == before
    assert git(repo, "status", "--porcelain") == ""


def test_given_a_new_repo_then_its_first_status_renders_nothing(
    released: ReleasedTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = {"use_case": "tumour-triage", "owner": "ana.lopez"}
    created = scaffold.new(tmp_path, answered, template=scaffold.locate(str(released.folder), "v0.1.0", {}))
    monkeypatch.setattr("aifactory.update.versions.__version__", "0.1.0")
    keep_new(created.path, created.owners, {})
    monkeypatch.setattr(plan_module, "render_both", None)
    found = stands(created.path, "0.1.0", monkeypatch)
    assert (found.version, found.behind, found.edited) == ("0.1.0", False, ())
