"""The science digest: only what a model is trained with moves it, and a folder and a commit agree on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reproduction import checkout, science
from aifactory_runtime.pipeline.reproduction.science import Science
from tests.fixtures.usecase_repo import PACKAGE, commit, git, make_repo

INSIDE = (f"src/{PACKAGE}/features.py", f"src/{PACKAGE}/model.py", f"src/{PACKAGE}/lists/regions.csv")
OUTSIDE = ("README.md", "docs/a.md", "tests/test_a.py", ".github/workflows/ci.yml", "Makefile", "Dockerfile")
RUNTIMES = ("src/aifactory_runtime/cli.py", "vendor/aifactory-runtime/src/aifactory_runtime/cli.py")
SCIENCE_LOCK = "lifelines==0.30.0 \\\n    --hash=sha256:00ff\n    # via -r requirements/science.in\n"
FACTORY_LOCK = "click==8.5.1\nnumpy==2.1.0 \\\n    --hash=sha256:00aa\npandas==2.2.3\n"
OF_0_2_0 = "e2288642967cc389a85db6e03958f68580e072ef93e245540098d76c15f54d61"
"""What that release recorded for the files of a test below: its models must be found as long as there are any."""
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


def folder_digest(root: Path) -> Science:
    return science.of_folder(root, PACKAGE)


def with_content(root: Path, name: str, content: bytes) -> Science:
    """The science with another content of one file, which is put back."""
    before = (root / name).read_bytes()
    try:
        (root / name).write_bytes(content)
        return folder_digest(root)
    finally:
        (root / name).write_bytes(before)


@pytest.mark.heavy
@ON_ONE_REPO
@given(name=st.sampled_from([*OUTSIDE, *RUNTIMES]), content=st.binary(max_size=40))
def test_given_any_content_outside_the_science_when_digested_then_it_is_the_same(
    repo: Path, name: str, content: bytes
) -> None:
    assert with_content(repo, name, content) == folder_digest(repo)


@pytest.mark.heavy
@ON_ONE_REPO
@given(name=st.sampled_from(INSIDE), place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_given_any_byte_changed_in_the_package_when_digested_then_it_is_another(
    repo: Path, name: str, place: int, byte: int
) -> None:
    content = bytearray((repo / name).read_bytes() or b" ")
    content[place % len(content)] = byte

    same = bytes(content) == (repo / name).read_bytes()

    assert (with_content(repo, name, bytes(content)) == folder_digest(repo)) == same


@pytest.mark.heavy
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
        ("requirements/factory.txt", "numpy==2.1.0", "numpy==2.1.1", False),
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

    assert (folder_digest(own).sha256 != was.sha256) == moves
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


@pytest.mark.heavy
@pytest.mark.parametrize("lock", ["factory.txt", "science.txt"])
@pytest.mark.parametrize(
    "pin", ["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost", "xgboost-cpu", "pandas", "click", "numpydoc"]
)
def test_given_another_version_in_a_lock_when_digested_then_numeric_packages_are_kept_apart(
    own: Path, lock: str, pin: str
) -> None:
    place = own / "requirements" / lock
    place.write_text(place.read_text() + f"{pin}==1.0.0 ; python_full_version < '3.12' \\\n    --hash=sha256:00bb\n")
    was = folder_digest(own)
    place.write_text(place.read_text().replace(f"{pin}==1.0.0", f"{pin}==1.0.1").replace("00bb", "00cc"))
    now = folder_digest(own)

    numeric = pin not in {"click", "numpydoc"}
    assert (now.numeric != was.numeric) == numeric
    assert (now.sha256 != was.sha256) == (lock == "science.txt" and not numeric)
    assert not numeric or f"{pin}==1.0.1" in now.numeric.split()


def test_given_numeric_packages_of_two_commits_then_it_is_said_which_changed() -> None:
    said = science.changed("numpy==2.1.0 pandas==2.2.3", "numpy==2.4.6 numpy==2.5.5 pandas==2.2.3 scipy==1.17.1")
    assert said == "numpy 2.1.0 is 2.4.6 or 2.5.5 now, scipy that was not there is 1.17.1 now"


def test_given_what_0_2_0_digested_when_digested_then_its_digest_is_known_too(tmp_path: Path) -> None:
    files = {
        f"src/{PACKAGE}/features.py": "one = 1\r\n",
        "conf/base.yaml": "train:\n  seed: 7\nserving:\n  max_rows: 5\n",
        "factory.yaml": "problem: regression\n",
        "requirements/science.txt": SCIENCE_LOCK,
        "requirements/factory.txt": FACTORY_LOCK,
    }
    for name, text in files.items():
        write(tmp_path, name, text.encode())
    (tmp_path / f"src/{PACKAGE}/link.py").symlink_to("features.py")
    assert folder_digest(tmp_path).before == OF_0_2_0
    write(tmp_path, "requirements/factory.txt", f"{FACTORY_LOCK}scipy==1.17.1\n".encode())
    assert folder_digest(tmp_path).before == OF_0_2_0, "a package that is counted only since"


@pytest.mark.heavy
@pytest.mark.parametrize("attributes", [b"", b"* text=auto\n"])
def test_given_a_checkout_with_other_line_ends_when_digested_then_it_is_the_same(
    own: Path, tmp_path: Path, attributes: bytes
) -> None:
    write(own, f"src/{PACKAGE}/weights.bin", b"\0\r\n\n")
    if attributes:
        write(own, ".gitattributes", attributes)
    name = commit(own, "All")
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", str(own), "windows")

    other = tmp_path / "windows"
    assert b"\r\n" in (other / INSIDE[0]).read_bytes()
    found = {root: (folder_digest(root), science.of_commit(root, name, PACKAGE)) for root in (own, other)}
    assert {one.sha256 for pair in found.values() for one in pair if one} == {folder_digest(own).sha256}
    assert all(one for pair in found.values() for one in pair)
    assert with_content(own, f"src/{PACKAGE}/weights.bin", b"\0\n\n").sha256 != folder_digest(own).sha256, "no text"


@pytest.mark.parametrize("link", ["src/demo_case/regions.csv", "conf/prod.yaml"])
def test_given_a_link_when_what_it_leads_to_changes_then_it_counts_in_folder_commit_and_snapshot(
    own: Path, tmp_path: Path, link: str
) -> None:
    write(own, "shared/held", b"train:\n  seed: 1\n")
    (own / link).unlink(missing_ok=True)
    (own / link).symlink_to("../" * link.count("/") + "shared/held")
    found = []
    for seed in (b"1", b"2"):
        write(own, "shared/held", b"train:\n  seed: " + seed + b"\n")
        name = commit(own, "A seed")
        snapshot = tmp_path / name
        assert checkout.extract(own, name, snapshot)
        assert folder_digest(own) == science.of_commit(own, name, PACKAGE) == folder_digest(snapshot)
        found.append(folder_digest(own).sha256)
    assert found[0] != found[1]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "leads", ["../../../elsewhere.csv", "/etc/hostname", "nowhere.csv", "lists", "ignored.tmp", "another"]
)
@pytest.mark.parametrize("link", ["src/demo_case/a link", "conf/prod.yaml"])
def test_given_a_link_to_what_git_does_not_keep_when_digested_then_it_is_refused_by_name(
    own: Path, link: str, leads: str
) -> None:
    write(own, ".gitignore", b"*.tmp\n")
    for place in (f"src/{PACKAGE}", "conf"):
        write(own, f"{place}/ignored.tmp", b"")
        write(own, f"{place}/lists/one", b"")
        (own / place / "another").symlink_to("lists/one")
    write(own, "../elsewhere.csv", b"")
    (own / link).unlink(missing_ok=True)
    (own / link).symlink_to(leads)
    with pytest.raises(UsageProblem, match=f"^{link} is a symbolic link"):
        folder_digest(own)
    assert science.of_commit(own, commit(own, "A link"), PACKAGE) is None


def test_given_a_line_break_in_a_file_name_when_digested_then_refused(own: Path) -> None:
    write(own, f"src/{PACKAGE}/two\nlines.csv", b"")
    with pytest.raises(UsageProblem, match="holds a line break"):
        folder_digest(own)
