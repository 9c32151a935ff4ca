"""`factory new`: a working repo, or one clear line and nothing written."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from aifactory.scaffold import place, repository
from aifactory.workshop import workshop
from tests.fixtures.usecase_repo import commit, git
from tests.template.support import FACTORYS, PACKAGE, YOURS, files, make_template, read_by_people
from tests.template.test_answers import SECRETS
from tests.template.test_ownership import conflicts, next_version, update

pytestmark = pytest.mark.slow
"""Each starts `factory new` as a process of its own, about a second."""

FACTORY = Path(sys.executable).with_name("factory")


@dataclass(frozen=True)
class Said:
    """How a run of the command ended."""

    code: int
    out: str
    error: str


New = Callable[..., Said]


def listing() -> list[str]:
    """What lies in the folder where the command ran."""
    return sorted(path.name for path in Path().iterdir())


@pytest.fixture
def new(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> New:
    """`factory new` in this process, in an empty folder, with this checkout's template."""
    from aifactory.cli.main import main

    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str, source: Path = template) -> Said:
        monkeypatch.setattr(sys, "argv", ["factory", "new", *arguments, "--template", str(source)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 1, captured.out, captured.err)

    return run


def assert_refused(said: Said, sentence: str) -> None:
    """One clear line, exit code 2, and nothing in the folder."""
    assert said.code == 2, said
    assert said.out == ""
    lines = [line for line in said.error.splitlines() if not line.startswith(("Rendering ", "Reading "))]
    assert len(lines) == 1, said.error
    assert sentence in lines[0]
    assert "Traceback" not in said.error
    assert listing() == []


def test_given_a_name_then_a_committed_repo_with_exactly_the_templates_files_is_there(new: New) -> None:
    said = new("tumour-triage", "--owner", "ana.lopez")
    assert said.code == 0, said.error
    repo = Path("tumour-triage")
    assert read_by_people(repo) == YOURS | FACTORYS
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "log", "--format=%s") == "Start tumour-triage from the factory's template"
    assert git(repo, "branch", "--show-current") == "main"
    assert listing() == ["tumour-triage"]
    assert "make setup test train" in said.out


def test_given_json_then_the_answer_is_json_alone(new: New, template: Path) -> None:
    said = new("tumour-triage", "--owner", "ana", "--json")
    found = json.loads(said.out)
    assert found["use_case"] == "tumour-triage"
    assert found["commit"] == git(Path("tumour-triage"), "rev-parse", "HEAD")
    assert found["files"] == len(files(Path("tumour-triage")))
    assert found["template"] == f"{template} at {git(template, 'rev-parse', 'HEAD')[:12]}"


def test_given_every_option_then_each_reaches_the_manifest(new: New) -> None:
    said = new(
        *("triage", "--data", "sample:breast-cancer", "--target-column", "diagnosis", "--title", "Who comes first"),
        *("--owner", "ana", "--team", "ward 3", "--approver", "kim", "--approver", "bo", "--profile", "regulated"),
        *("--answer", "cost_center=CC-7"),
    )
    assert said.code == 0, said.error
    manifest = yaml.safe_load(Path("triage/factory.yaml").read_text(encoding="utf-8"))
    assert (manifest["title"], manifest["owner"], manifest["team"]) == ("Who comes first", "ana", "ward 3")
    assert (manifest["risk"], manifest["cost_center"]) == ("high", "CC-7")
    prod = manifest["environments"]["prod"]
    assert (prod["approval"], prod["approvers"]) == ("required", ["kim", "bo"])


def test_given_an_approver_and_no_more_then_prod_asks_them(new: New) -> None:
    assert new("triage", "--approver", "ben").code == 0
    prod = yaml.safe_load(Path("triage/factory.yaml").read_text(encoding="utf-8"))["environments"]["prod"]
    assert (prod["approval"], prod["approvers"]) == ("required", ["ben"])


def test_given_no_owner_then_the_account_is_the_owner(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "DOMAIN\\Ana Lopez")
    assert new("triage").code == 0
    assert yaml.safe_load(Path("triage/factory.yaml").read_text(encoding="utf-8"))["owner"] == "domain-ana-lopez"


def test_given_an_account_that_is_no_owner_then_it_asks_for_one(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "admin")
    assert_refused(new("triage"), "--owner")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("", "is empty", id="fault_1_empty"),
        pytest.param("class", "Python keyword", id="fault_2_keyword"),
        pytest.param("json", "add a word: json-model", id="fault_2_standard_library"),
        pytest.param("test", "add a word: test-model", id="fault_2_test"),
        pytest.param("ﬁle", "only a-z", id="fault_3_look_alike"),
        pytest.param("../escape", "only a-z", id="fault_4_parent"),
        pytest.param("/etc/x", "only a-z", id="fault_4_absolute"),
        pytest.param("a/b", "only a-z", id="fault_4_slash"),
        pytest.param("a\nb", "only a-z", id="fault_4_newline"),
        pytest.param("churn\n", "only a-z", id="fault_4_last_newline"),
        pytest.param("{{ 7 * 7 }}", "only a-z", id="fault_5_jinja"),
        pytest.param("a" * 41, "41 characters; use at most 40", id="fault_6_long"),
        pytest.param("Mr. O'Keefe", "only a-z", id="a_person"),
    ],
)
def test_fault_1_to_6_given_a_bad_name_then_one_line_and_nothing_written(new: New, name: str, sentence: str) -> None:
    said = new(name, "--owner", "ana")
    assert_refused(said, sentence)
    assert not Path("../escape").exists()


def test_fault_5_given_jinja_text_in_answers_then_it_stays_literal(new: New) -> None:
    title = "{{ 7 * 7 }} {% include 'x' %} {# no #}"
    said = new("triage", "--owner", "ana", "--title", title, "--team", "{{ undefined_name }}")
    assert said.code == 0, said.error
    manifest = yaml.safe_load(Path("triage/factory.yaml").read_text(encoding="utf-8"))
    assert (manifest["title"], manifest["team"]) == (title, "{{ undefined_name }}")
    assert title in Path("triage/README.md").read_text(encoding="utf-8")


def test_fault_6_given_an_over_long_title_then_it_is_refused(new: New) -> None:
    assert_refused(
        new("triage", "--owner", "ana", "--title", "x" * 121), "title: it has 121 characters; use at most 120"
    )


def test_fault_7_given_a_folder_with_something_in_it_then_it_is_refused_and_kept(new: New) -> None:
    Path("triage").mkdir()
    Path("triage/notes.txt").write_text("mine")
    said = new("triage", "--owner", "ana")
    assert said.code == 2
    assert "is not empty" in said.error
    assert [path.name for path in Path("triage").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_fault_7_given_something_else_of_that_name_then_it_is_refused_and_kept(new: New, kind: str) -> None:
    target = Path("triage")
    target.write_text("mine") if kind == "file" else target.symlink_to("nowhere")
    said = new("triage", "--owner", "ana")
    assert said.code == 2
    assert "is not a folder" in said.error
    assert target.is_symlink() or target.read_text() == "mine"


def test_given_an_empty_folder_of_that_name_then_the_repo_takes_its_place(new: New) -> None:
    Path("triage").mkdir()
    assert new("triage", "--owner", "ana").code == 0
    assert Path("triage/factory.yaml").is_file()


def test_fault_8_given_a_dirty_template_then_it_is_refused_unless_asked_for(new: New, tmp_path: Path) -> None:
    source = make_template(tmp_path / "dirty")
    (source / "template/docs/more.md").write_text("# More\n")
    assert_refused(new("triage", "--owner", "ana", source=source), "has uncommitted changes")
    said = new("triage", "--owner", "ana", "--allow-dirty", source=source)
    assert said.code == 0, said.error
    assert Path("triage/docs/more.md").is_file()
    assert "uncommitted changes" in said.out
    assert git(source, "status", "--porcelain") == "?? template/docs/more.md"


def test_given_a_template_with_undecided_conflicts_when_taken_dirty_then_each_file_is_named(
    new: New, tmp_path: Path
) -> None:
    source = make_template(tmp_path / "merged")
    readme, notes = source / "template/docs/README.md", source / "notes.txt"
    git(source, "checkout", "--quiet", "-b", "other")
    for branch in ("other", "main"):
        git(source, "checkout", "--quiet", branch)
        readme.write_text(f"# Of {branch}\n")
        commit(source, branch)
    with pytest.raises(subprocess.CalledProcessError):
        git(source, "merge", "other")
    notes.write_text("<<<<<<< mine\n1\n=======\n2\n>>>>>>> theirs\n")
    named = "holds conflicts that nobody has decided: notes.txt, template/docs/README.md. Decide them first"
    assert_refused(new("triage", "--owner", "ana", "--allow-dirty", source=source), named)

    notes.unlink()
    git(source, "add", "--all")  # marked as decided, with the markers left in it
    named = "holds conflicts that nobody has decided: template/docs/README.md. Decide them first"
    assert_refused(new("triage", "--owner", "ana", "--allow-dirty", source=source), named)
    assert not Path("triage").exists()

    readme.write_text("# Of both\n=======\n")
    assert new("triage", "--owner", "ana", "--allow-dirty", source=source).code == 0


KILL = """
import os, signal, sys
from aifactory.scaffold import place, repository
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
setattr({module}, {function!r}, die)
sys.argv = ["factory", "new", "triage", "--owner", "ana", "--template", {template!r}]
from aifactory.cli.main import main
main()
"""


@pytest.mark.parametrize(("module", "function"), [("repository", "start"), ("repository", "_must"), ("place", "move")])
def test_fault_9_given_a_kill_before_the_last_step_then_the_target_is_absent_and_the_next_run_cleans_up(
    new: New, template: Path, module: str, function: str
) -> None:
    script = KILL.format(module=module, function=function, template=str(template))
    done = subprocess.run([sys.executable, "-c", script], cwd=Path.cwd(), capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert not Path("triage").exists()
    assert len(list(Path().glob(f"{place.PREFIX}*"))) == 1
    assert new("triage", "--owner", "ana").code == 0
    assert listing() == ["triage"]


def _killed(command: list[str | Path], due: Callable[[], bool]) -> bool:
    """Whether the folder is there after `command` was killed, once `due`; if so it is checked, and removed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not due():
        time.sleep(0.001)
    process.kill()
    process.wait()
    if not Path("triage").exists():
        return False
    assert git(Path("triage"), "status", "--porcelain") == ""
    assert Path("triage/factory.yaml").is_file()
    shutil.rmtree("triage")
    return True


def _after(seconds: float) -> Callable[[], bool]:
    due = time.monotonic() + seconds
    return lambda: time.monotonic() >= due


@pytest.mark.long  # kills at chosen moments are above
def test_fault_9_given_kills_at_any_time_then_the_target_is_absent_or_complete(new: New, template: Path) -> None:
    command: list[str | Path] = [FACTORY, "new", "triage", "--owner", "ana", "--template", template]
    began = time.monotonic()
    assert not _killed(command, lambda: any(Path().glob(f"{place.PREFIX}*")))
    assert _killed(command, Path("triage").exists)
    longest = time.monotonic() - began
    draw = random.Random(9)  # noqa: S311 - when to kill, not a secret
    for _ in range(8):
        _killed(command, _after(draw.uniform(0, longest)))
    assert new("triage", "--owner", "ana").code == 0
    assert listing() == ["triage"]


def test_given_a_neighbour_at_work_then_its_folder_is_no_leftover(tmp_path: Path) -> None:
    with workshop(tmp_path, place.PREFIX) as first:
        (first / "work").write_text("going on")
        with workshop(tmp_path, place.PREFIX) as second:
            assert second != first
        assert (first / "work").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("question", ["title", "team", "risk"])
def test_fault_10_given_what_looks_like_a_secret_then_it_is_refused_without_repeating_it(
    new: New, secret: str, question: str
) -> None:
    said = new("triage", "--owner", "ana", "--answer", f"{question}={secret}")
    assert_refused(said, f"{question}: it looks like a secret")
    assert secret not in said.error


def test_fault_10_given_a_secret_as_the_name_then_it_is_not_repeated(new: New) -> None:
    said = new("ghp_" + "a1" * 18, "--owner", "ana")
    assert_refused(said, "looks like a secret")
    assert "a1a1" not in said.error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--answer", "colour=blue"), "colour: the template does not ask for it; it asks for profile, "),
        (("--answer", "package=x"), "package: it follows from use_case; leave it out"),
        (("--answer", "risk=huge"), "risk: 'huge' is not in ['low', 'limited', 'high']"),
        (("--answer", "risk"), "KEY=VALUE"),
        (("--profile", "regulated"), "approval: approval is required, so name at least one person"),
        (("--profile", "regulated", "--approver", "kim"), "risk: high takes two people who approve"),
        (("--approver", "kim", "--answer", "approval=none"), "approval: none leaves the approvers unasked"),
        (("--profile", "slow"), "profile: 'slow' is not in"),
        (("--owner", "Ana"), "owner: 'Ana' is not a login"),
        (("--approver", "Kim Meyer"), "approvers: it is not a login"),
        (("--approver", ""), "--approver is empty"),
        (("--answer", "use_case=other"), "use_case is said twice"),
        (("--title", "One", "--answer", "title=Two"), "title is said twice"),
        (("--data", "sample:cats"), "sample:cats is no sample; there are sample:breast-cancer, sample:diabetes"),
        (("--id-column", "radius"), "give your own table with --data"),
        (("--target-column", "radius"), "target_column: the sample table's column is diagnosis"),
        (("--answer", "data_classification=restricted"), "data_classification: the sample table"),
        (("--ref", "no-such-tag"), "no-such-tag is not a release, commit, tag or branch"),
        (("--ref", "--upload-pack=x"), "is not a release, commit, tag or branch"),
        (("--into", "nowhere"), "nowhere is not a folder"),
    ],
)
def test_given_a_wrong_option_then_one_line_says_what_is_right(
    new: New, arguments: tuple[str, ...], sentence: str
) -> None:
    assert_refused(new("triage", *(() if "--owner" in arguments else ("--owner", "ana")), *arguments), sentence)


def test_given_no_name_and_no_terminal_then_it_asks_for_one(new: New) -> None:
    assert_refused(new(), "a name is missing")


def test_given_a_template_that_is_no_git_repo_then_it_is_refused(new: New, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert_refused(new("triage", "--owner", "ana", source=tmp_path / "plain"), "is not a git repo")


def test_given_an_address_where_nothing_is_then_one_line(new: New) -> None:
    said = new("triage", "--owner", "ana", source=Path("file:/nowhere.git"))
    assert said.code != 0
    assert len([line for line in said.error.splitlines() if not line.startswith("Rendering ")]) == 1
    assert listing() == []


def test_given_a_machine_where_git_knows_nobody_then_the_owner_commits_and_it_is_said(
    new: New, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(variable, os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path))
    said = new("triage", "--owner", "ana.lopez")
    assert said.code == 0, said.error
    assert "the first commit is by ana.lopez <ana.lopez@localhost>" in said.out
    assert git(Path("triage"), "log", "--format=%an %ae") == "ana.lopez ana.lopez@localhost"


def test_given_the_repo_of_a_hook_around_it_then_that_repo_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    around, fresh = tmp_path / "around", tmp_path / "fresh"
    around.mkdir()
    git(around, "init", "--quiet")
    fresh.mkdir()
    (fresh / "file").write_text("x")
    monkeypatch.setenv("GIT_DIR", str(around / ".git"))
    repository.start(fresh, "ana", "Start")
    monkeypatch.delenv("GIT_DIR")
    assert not list((around / ".git/refs/heads").iterdir())
    assert git(fresh, "ls-files") == "file"


@pytest.mark.slow
def test_given_a_repo_made_by_the_command_then_it_follows_the_next_commit_with_plain_copier(
    new: New, tmp_path: Path
) -> None:
    source = make_template(tmp_path / "source")
    assert new("tumour-triage", "--owner", "ana.lopez", source=source).code == 0
    repo = Path("tumour-triage").absolute()
    kept = yaml.safe_load((repo / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert kept["_src_path"] == str(source)
    assert git(source, "rev-parse", "HEAD").startswith(kept["_commit"])
    (repo / f"src/{PACKAGE}/features.py").write_text("# mine\n")
    commit(repo, "Mine")
    next_version(source)
    update(repo)
    assert conflicts(repo) == []
    assert (repo / f"src/{PACKAGE}/features.py").read_text() == "# mine\n"
    assert "# a newer line" in (repo / "Makefile").read_text()


@pytest.mark.slow
def test_given_plain_copier_without_trust_then_the_same_repo_comes_out(new: New, template: Path) -> None:
    answers = ("--data", "use_case=tumour-triage", "--data", "owner=ana.lopez")
    copier = str(FACTORY.with_name("copier"))
    subprocess.run(
        [copier, "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", *answers, template, "plain"], check=True
    )
    assert new("tumour-triage", "--owner", "ana.lopez").code == 0
    assert files(Path("plain")) == files(Path("tumour-triage"))
    for name in files(Path("plain")):
        assert (Path("plain") / name).read_bytes() == (Path("tumour-triage") / name).read_bytes(), name
