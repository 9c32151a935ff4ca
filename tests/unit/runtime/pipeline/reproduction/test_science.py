"""The science digest: only what a model is trained with moves it, and a folder and a commit agree on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reproduction import checkout, science
from tests.fixtures.usecase_repo import PACKAGE, commit, git, make_repo

INSIDE = (f"src/{PACKAGE}/features.py", f"src/{PACKAGE}/model.py", f"src/{PACKAGE}/lists/regions.csv")
OUTSIDE = ("README.md", "docs/a.md", "tests/test_a.py", ".github/workflows/ci.yml", "Makefile", "Dockerfile")
RUNTIMES = ("src/aifactory_runtime/cli.py", "vendor/aifactory-runtime/src/aifactory_runtime/cli.py")
SCIENCE_LOCK = "lifelines==0.30.0 \\\n    --hash=sha256:00ff\n    # via -r requirements/science.in\n"
FACTORY_LOCK = "click==8.5.1\nnumpy==2.1.0 \\\n    --hash=sha256:00aa\npandas==2.2.3\n"
ON_ONE_REPO = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_repo(tmp_path_factory.mktemp("science") / "repo", rows=1)
    write(folder, INSIDE[2], b"east\nwest\n")
    for name in (*OUTSIDE, *RUNTIMES):
        write(folder, name, b"# a file\n")
    write(folder, "requirements/science.txt", SCIENCE_LOCK.encode())
    write(folder, "requirements/factory.txt", FACTORY_LOCK.encode())
    commit(folder, "All kinds of files")
    return folder


@pytest.fixture
def own(repo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repo, tmp_path / "repo"))


def write(root: Path, name: str, content: bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)


def folder_digest(root: Path) -> str:
    return science.of_folder(root, PACKAGE)


def with_content(root: Path, name: str, content: bytes) -> str:
    """The digest with another content of one file, which is put back."""
    before = (root / name).read_bytes()
    try:
        (root / name).write_bytes(content)
        return folder_digest(root)
    finally:
        (root / name).write_bytes(before)


@ON_ONE_REPO
@given(name=st.sampled_from([*OUTSIDE, *RUNTIMES]), content=st.binary(max_size=40))
def test_given_any_content_outside_the_science_when_digested_then_it_is_the_same(
    repo: Path, name: str, content: bytes
) -> None:
    assert with_content(repo, name, content) == folder_digest(repo)


@ON_ONE_REPO
@given(name=st.sampled_from(INSIDE), place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_given_any_byte_changed_in_the_package_when_digested_then_it_is_another(
    repo: Path, name: str, place: int, byte: int
) -> None:
    content = bytearray((repo / name).read_bytes() or b" ")
    content[place % len(content)] = byte

    same = bytes(content) == (repo / name).read_bytes()

    assert (with_content(repo, name, bytes(content)) == folder_digest(repo)) == same


@pytest.mark.parametrize(
    ("name", "before", "after", "moves"),
    [
        ("conf/base.yaml", "seed: 7", "seed: 8", True),
        ("conf/base.yaml", "max_duplicate_share: 0.05", "max_duplicate_share: 0.06", True),
        ("conf/base.yaml", "metric: roc_auc", "metric: f1", True),
        ("conf/base.yaml", "data:", "# a remark\nserving:\n  max_rows: 5\ndata:", False),
        ("factory.yaml", "problem: classification", "problem: regression", True),
        ("factory.yaml", "owner: ana.lopez", "owner: kim.meyer", False),
        ("requirements/science.txt", "0.30.0", "0.30.1", True),
        ("requirements/science.txt", "00ff", "00fe", True),
        ("requirements/science.txt", "# via -r", "# via", False),
        ("requirements/factory.txt", "numpy==2.1.0", "numpy==2.1.1", True),
        ("requirements/factory.txt", "pandas==2.2.3", "pandas==2.2.4", True),
        ("requirements/factory.txt", "click==8.5.1", "click==8.5.2", False),
        ("requirements/factory.txt", "00aa", "00ab", False),
    ],
)
def test_given_a_setting_or_a_version_when_changed_then_it_counts_where_it_trains(
    own: Path, name: str, before: str, after: str, moves: bool
) -> None:
    was = folder_digest(own)
    text = (own / name).read_text()
    assert before in text
    (own / name).write_text(text.replace(before, after))

    assert (folder_digest(own) != was) == moves
    assert science.of_commit(own, commit(own, "A change"), PACKAGE) == folder_digest(own)


@pytest.mark.parametrize("name", ["conf/dev.yaml", "conf/prod.yaml", f"src/{PACKAGE}/new.py"])
def test_given_a_file_that_comes_to_the_science_when_digested_then_it_is_another(own: Path, name: str) -> None:
    was = folder_digest(own)
    write(own, name, b"train:\n  seed: 1\n")
    assert folder_digest(own) != was


def test_given_a_file_of_the_package_moved_when_digested_then_it_is_another(own: Path) -> None:
    was = folder_digest(own)
    (own / INSIDE[2]).rename(own / f"src/{PACKAGE}/lists/areas.csv")
    assert folder_digest(own) != was


def test_given_a_commit_a_snapshot_and_a_work_tree_when_digested_then_all_agree(own: Path, tmp_path: Path) -> None:
    write(own, ".gitattributes", b"*.csv text eol=crlf\n")
    write(own, ".gitignore", b"*.tmp\n__pycache__/\n")
    (own / f"src/{PACKAGE}/a link.csv").symlink_to("lists/regions.csv")
    name = commit(own, "Line ends, a link")
    git(own, "rm", "-rq", "--cached", "src")
    git(own, "checkout", "-qf", name)
    (own / INSIDE[2]).unlink()
    git(own, "checkout", "-q", "--", INSIDE[2])
    write(own, f"src/{PACKAGE}/scratch.tmp", b"what git ignores")
    write(own, f"src/{PACKAGE}/__pycache__/features.cpython-311.pyc", b"what Python compiled")
    snapshot = tmp_path / name
    assert checkout.extract(own, name, snapshot)
    write(snapshot, f"src/{PACKAGE}/__pycache__/features.cpython-311.pyc", b"what Python compiled")

    assert b"\r\n" in (own / INSIDE[2]).read_bytes()
    assert folder_digest(own) == science.of_commit(own, name, PACKAGE) == folder_digest(snapshot)


def test_given_a_repo_in_a_folder_of_another_when_digested_then_commit_and_folder_agree(
    own: Path, tmp_path: Path
) -> None:
    outer = tmp_path / "outer"
    shutil.copytree(own, outer / "inner", ignore=shutil.ignore_patterns(".git"))
    git(tmp_path, "init", "-q", str(outer))
    name = commit(outer, "All")

    assert science.of_commit(outer / "inner", name, PACKAGE) == folder_digest(outer / "inner") == folder_digest(own)


@pytest.mark.parametrize("name", ["0" * 40, "no-such-branch"])
def test_given_a_commit_that_is_not_there_when_digested_then_none(repo: Path, name: str) -> None:
    assert science.of_commit(repo, name, PACKAGE) is None


@pytest.mark.parametrize("broken", [b"train: [1\n", b"train:\n  seed: 1\n  seed: 2\n", b"- no mapping\n"])
def test_given_an_old_commit_whose_settings_cannot_be_read_when_digested_then_none(own: Path, broken: bytes) -> None:
    write(own, "conf/prod.yaml", broken)
    name = commit(own, "What dev never reads")

    assert science.of_commit(own, name, PACKAGE) is None
    with pytest.raises(UsageProblem, match=r"conf/prod\.yaml"):
        folder_digest(own)


def test_given_a_line_break_in_a_file_name_when_digested_then_refused(own: Path) -> None:
    write(own, f"src/{PACKAGE}/two\nlines.csv", b"")
    with pytest.raises(UsageProblem, match="holds a line break"):
        folder_digest(own)
