"""Backup and restore of a home made of plain files: what is in it, that it is consistent, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import threading
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.local import archive, backup, restore
from aifactory.provision import exclusive
from aifactory.workshop import workshop
from aifactory_runtime.audit import anchors, log
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry.port import Head
from infra.services import anchoring
from tests.unit.aifactory.conftest import Factory
from tests.unit.aifactory.homes import provisioned, repo, write

TEMPLATE = Path(__file__).parents[4] / "template"
FACTORY = str(Path(sys.executable).with_name("factory"))


def silent(_: str) -> None:
    """Progress nobody reads."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with state, databases, tables, logs, a snapshot, and everything that must not be copied."""
    found = provisioned(tmp_path / "home")
    root = found.root
    root.chmod(0o700)
    for project, stack in (("aifactory-platform", "prod"), ("aifactory-usecase", "churn.prod")):
        record = {"version": 3, "checkpoint": {"latest": {"path": f"{root}/prod/churn"}}}
        write(root / "state" / ".pulumi" / "stacks" / project / f"{stack}.json", record)
        write(root / "work" / stack / f"Pulumi.{stack}.yaml", f"encryptionsalt: v1:abc\nhome: {root}\n")
        write(root / "work" / stack / "lock", "1234")
    write(root / "services" / "ports.json", {"tracking": 25000})
    for name in ("supervisord.pid", "stopped", "lock"):
        write(root / "services" / name, "1234")
    (root / "shared" / "mlflow" / "artifacts").mkdir(parents=True)
    (root / "shared" / "mlflow" / "tmp").mkdir()
    with closing(sqlite3.connect(root / "shared" / "mlflow" / "mlflow.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE pairs (one INTEGER, two INTEGER)")
        database.execute("INSERT INTO pairs VALUES (1, 1)")
        database.commit()
    case = root / "prod" / "churn"
    for _ in range(2):
        log.append(case / "audit", "released", "release", {})
    with (case / "audit" / "audit.jsonl").open("a") as torn:
        torn.write('{"sequ')
    write(case / "serving" / "status" / "77.json", {"pid": 77})
    write(case / "tables" / "raw" / "_delta_log" / "0.json", "{}")
    write(case / "tables" / "raw" / "part-0.parquet", "PAR1")
    snapshot = root / "snapshots" / "churn" / "abc123"
    write(snapshot / "uv.lock", "the user's own lock file")
    write(snapshot / "src" / "status" / "lock", "a folder and a file of the user's")
    write(root / "snapshots" / "envs" / "d1" / "bin" / "python", "large")
    (snapshot / ".venv").symlink_to(root / "snapshots" / "envs" / "d1")
    (case / "serving" / "current").symlink_to(snapshot)
    return found


def contents_of(root: Path) -> dict[str, str]:
    """Every file and link under `root`, databases left out."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file() and not path.name.startswith("mlflow.db"):
            found[name] = path.read_text()
    return found


def made(home: Home, tmp_path: Path) -> Path:
    target = tmp_path / "b.tar.gz"
    backup.make(home, target, silent)
    return target


def test_given_a_home_when_backed_up_and_restored_then_it_is_the_same_without_pids_locks_and_environments(
    home: Home, tmp_path: Path
) -> None:
    before = contents_of(home.root)
    file = made(home, tmp_path)
    moved = home.root.rename(tmp_path / "gone")

    done = restore.restore(file, home, silent)

    after = contents_of(home.root)
    left_out = before.keys() - after.keys()
    assert left_out == {
        *("services/lock", "services/stopped", "services/supervisord.pid", "work/prod/lock", "work/churn.prod/lock"),
        *("prod/churn/serving/status/77.json", "snapshots/envs/d1/bin/python"),
        *(name for name in before if name.startswith("services/logs/")),
    }
    whole = before.pop("prod/churn/audit/audit.jsonl").removesuffix('{"sequ')
    written = after.pop("prod/churn/audit/audit.jsonl").removeprefix(whole)
    assert json.loads(written)["action"] == "restored"
    assert after == {name: text for name, text in before.items() if name in after}
    for folder in ("services/logs", "prod/churn/serving/status", "shared/mlflow/tmp", "snapshots/envs"):
        assert (home.root / folder).is_dir(), folder
    with closing(sqlite3.connect(home.root / "shared" / "mlflow" / "mlflow.db")) as database:
        assert database.execute("SELECT * FROM pairs").fetchall() == [(1, 1)]
    assert (file.stat().st_mode & 0o777, home.root.stat().st_mode & 0o777) == (0o600, 0o700)
    assert home.passphrase.stat().st_mode & 0o777 == 0o600
    assert (done.moved_aside, done.moved_from) == (None, None)
    assert [trouble.split(":")[0] for trouble in done.troubles] == [
        "the commit holds none of requirements/factory.txt, requirements/science.txt"
    ]
    assert not list(moved.parent.glob(".*restoring*"))


@pytest.mark.heavy
def test_given_a_database_that_is_being_written_when_backed_up_then_the_copy_is_one_moment_of_it(
    home: Home, tmp_path: Path
) -> None:
    stop, path = threading.Event(), home.root / "shared" / "mlflow" / "mlflow.db"

    def write_pairs() -> None:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            number = 1
            while not stop.is_set():
                number += 1
                with database:
                    database.execute("INSERT INTO pairs VALUES (?, 0)", (number,))
                    database.execute("UPDATE pairs SET two = one WHERE one = ?", (number,))

    writer = threading.Thread(target=write_pairs)
    writer.start()
    try:
        files = []
        for number in range(5):
            files.append(tmp_path / f"{number}.tar.gz")
            backup.make(home, files[-1], silent)
    finally:
        stop.set()
        writer.join()

    for number, file in enumerate(files):
        unpacked = tmp_path / str(number)
        archive.unpack(file, unpacked)
        with closing(sqlite3.connect(unpacked / "shared" / "mlflow" / "mlflow.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("SELECT count(*) FROM pairs WHERE one != two").fetchone() == (0,)


def test_given_what_points_and_what_it_points_at_when_backed_up_then_what_points_is_copied_first(
    home: Home, tmp_path: Path
) -> None:
    write(home.root / "prod" / "churn" / "serving" / "serving.json", "{}")
    write(home.root / "shared" / "mlflow" / "artifacts" / "model.skops", "bytes")

    with tarfile.open(made(home, tmp_path)) as tar:
        order = [name.removeprefix("home/") for name in tar.getnames()]

    def at(name: str) -> int:
        return order.index(name)

    assert at("prod/churn/serving/serving.json") < at("shared/mlflow/mlflow.db")
    assert at("shared/mlflow/mlflow.db") < at("shared/mlflow/artifacts/model.skops")
    assert at("prod/churn/tables/raw/_delta_log/0.json") < at("prod/churn/tables/raw/part-0.parquet")
    assert order[-1] == "contents.json"


def test_fault_42_given_a_stack_that_is_being_changed_when_backed_up_then_its_holder_is_named(
    home: Home, tmp_path: Path
) -> None:
    with (
        exclusive.hold(home.lock("churn.prod"), "churn.prod"),
        pytest.raises(FactoryError, match=f"churn.prod is being changed by process {os.getpid()}"),
    ):
        made(home, tmp_path)

    assert list(tmp_path.glob("*b.tar.gz*")) == []


@pytest.mark.parametrize(
    ("target", "sentence"),
    [("there", "is there already"), ("home/b.tar.gz", "lies in the home itself"), ("no/b.tar.gz", "is not a folder")],
)
def test_given_a_place_that_cannot_be_when_backed_up_then_it_is_refused(
    home: Home, tmp_path: Path, target: str, sentence: str
) -> None:
    write(tmp_path / "there", "mine")

    with pytest.raises(UsageProblem, match=sentence):
        backup.make(home, tmp_path / target, silent)

    assert (tmp_path / "there").read_text() == "mine"


def test_fault_25_given_a_full_disk_when_backed_up_then_one_line_says_so_and_nothing_is_left(
    home: Home, tmp_path: Path
) -> None:
    write(home.root / "prod" / "churn" / "tables" / "raw" / "part-1.parquet", os.urandom(300_000).hex())

    done = subprocess.run(
        [FACTORY, "backup", str(tmp_path / "b.tar.gz")],
        env={**os.environ, "FACTORY_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )

    assert done.returncode == 1
    assert "cannot be written (File too large): nothing was backed up" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.glob("*b.tar.gz*")) == []


def test_given_no_file_when_backed_up_in_a_repo_then_it_lies_beside_the_home_and_git_would_not_take_it(
    tmp_path: Path, home: Home, factory: Factory
) -> None:
    folder = repo(tmp_path / "churn")
    shutil.copy(TEMPLATE / ".gitignore", folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)

    done = factory("backup", "--json", cwd=folder, home=home.root)

    made = Path(json.loads(done.stdout)["path"])
    assert made.parent == home.root.parent and made.is_file()
    for name in (made.name, ".aifactory-backup-killed/backup"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=folder, check=False).returncode == 0


def test_fault_47_given_what_a_killed_backup_and_restore_left_when_repeated_then_no_copy_of_secrets_stays(
    home: Home, tmp_path: Path
) -> None:
    target, moved = tmp_path / "b.tar.gz", Home(tmp_path / "moved")
    left = [tmp_path / ".aifactory-backup-killed", tmp_path / ".moved.restoring-killed"]
    other = tmp_path / ".another.restoring-killed"
    for folder in (*left, other):
        write(folder / "passphrase", "secret")

    backup.make(home, target, silent)
    restore.restore(target, moved, silent)

    assert [folder for folder in (*left, other) if folder.exists()] == [other]
    write(moved.root / ".restoring-killed" / "passphrase", "secret")
    restore.restore_state(target, moved, "churn.prod", silent)
    assert not list(moved.root.glob(".restoring*"))


def test_given_a_backup_that_is_being_written_when_another_begins_then_its_folder_stays(tmp_path: Path) -> None:
    with workshop(tmp_path, ".making-") as first:
        write(first / "part", "x")
        with workshop(tmp_path, ".making-") as second:
            assert first != second
            assert (first / "part").exists()
    assert list(tmp_path.iterdir()) == []


def test_given_a_home_in_use_when_restored_then_it_is_refused_and_with_force_moved_aside(
    home: Home, tmp_path: Path
) -> None:
    file = made(home, tmp_path)
    write(home.root / "prod" / "churn" / "newer", "since the backup")
    write(home.root / anchoring.HEADS, {"churn.prod": {"sequence": 9, "sha256": "d" * 64}})

    with pytest.raises(FactoryError, match=r"holds a platform: --force"):
        restore.restore(file, home, silent)
    assert (home.root / "prod" / "churn" / "newer").exists()
    done = restore.restore(file, home, silent, force=True)

    assert done.moved_aside is not None
    assert (Path(done.moved_aside) / "prod" / "churn" / "newer").read_text() == "since the backup"
    assert not (home.root / "prod" / "churn" / "newer").exists()
    assert (home.root / "snapshots" / "envs" / "d1" / "bin" / "python").read_text() == "large"
    assert done.troubles == []
    lines = log.read(home.root / "prod" / "churn" / "audit")
    assert lines[-1]["facts"] == {"backup": done.made, "anchored": {"sequence": 9, "sha256": "d" * 64}}
    assert "lines 3 to 9 of before went with a restore" in anchors.compare(lines, [Head(9, "d" * 64)]).notes[0]


def test_given_another_home_when_restored_then_our_files_name_it_and_records_of_others_stay(
    home: Home, tmp_path: Path
) -> None:
    said = f'{{"note": "{home.root}/x"}}\n'
    write(home.root / "prod" / "churn" / "logs" / "note.jsonl", said)
    write(home.root / "usecases" / "other.prod.json", {"path": f"{home.root}-old/x", "own": f"{home.root}/y"})
    file = made(home, tmp_path)
    other = Home(tmp_path / "elsewhere")

    done = restore.restore(file, other, silent)

    record = json.loads((other.state / ".pulumi/stacks/aifactory-usecase/churn.prod.json").read_text())
    assert record["checkpoint"]["latest"]["path"] == f"{other.root}/prod/churn"
    assert f"home: {other.root}\n" in (other.work("churn.prod") / "Pulumi.churn.prod.yaml").read_text()
    assert (other.root / "prod/churn/serving/current").readlink() == other.root / "snapshots/churn/abc123"
    assert (other.root / "prod" / "churn" / "logs" / "note.jsonl").read_text() == said
    moved = json.loads((other.root / "usecases" / "other.prod.json").read_text())
    assert moved == {"path": f"{home.root}-old/x", "own": f"{other.root}/y"}
    assert done.moved_from == str(home.root)


_PLACES = '"places": {"home": "/h", "servers": "", "infra": "/i", "socket": "/s"}'
LISTS = {
    "a list": "[1]",
    "files that are a list": f'{{"format": 1, "made": "x", "tool": "1", {_PLACES}, "files": [1]}}',
    "a file that is a number": f'{{"format": 1, "made": "x", "tool": "1", {_PLACES}, "files": {{"a": 1}}}}',
    "places that are a number": '{"format": 1, "made": "x", "tool": "1", "places": 1}',
    "a folder's mode in words": f'{{"format": 1, "made": "x", "tool": "1", {_PLACES}, "folders": {{"a": "rwx"}}}}',
    "a link that leads nowhere": f'{{"format": 1, "made": "x", "tool": "1", {_PLACES}, "links": {{"a": 1}}}}',
    "too deep": "[" * 100_000,
}
NAMES = {
    how: f'{{"format": 1, "made": "x", "tool": "1", {_PLACES}, "folders": {{"{name}": 448}}}}'
    for how, name in (("a folder elsewhere", "../a"), ("a folder of no name", "a\\u0000b"))
}


def damaged(file: Path, how: str) -> None:
    content = file.read_bytes()
    if how == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        plain = bytearray(gzip.decompress(content))
        place = plain.index(b"PAR1")
        plain[place] ^= 1
        file.write_bytes(gzip.compress(bytes(plain)))
    elif how == "not an archive":
        file.write_text("hello")
    elif how == "a folder's name for a file":
        file.unlink()
        file.mkdir()
    elif how == "another tar":
        with tarfile.open(file, "w:gz") as tar:
            tar.add(__file__, arcname="home/x")
    elif how == "leads out":
        with tarfile.open(file, "w:gz") as tar:
            entry = tarfile.TarInfo("home/../../evil")
            entry.size = 1
            tar.addfile(entry, io.BytesIO(b"x"))
    elif how == "a link":
        with tarfile.open(file, "w:gz") as tar:
            entry = tarfile.TarInfo("home/x")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(entry)
    elif how == "not compressed from here on":
        whole = gzip.decompress(content)
        half = zlib.compressobj(wbits=31)  # a gzip file
        start = half.compress(whole[: whole.index(b"PAR1") + 2]) + half.flush(zlib.Z_FULL_FLUSH)
        file.write_bytes(start + b"\xff" * 10)
    elif how in LISTS | NAMES:
        with tarfile.open(file, "w:gz") as tar:
            text = (LISTS | NAMES)[how].encode()
            entry = tarfile.TarInfo("contents.json")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    elif how == "newer":
        plain = bytearray(gzip.decompress(content))
        file.write_bytes(gzip.compress(bytes(plain).replace(b'"format": 1', b'"format": 9')))
    else:
        file.unlink()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("cut", "cannot be read whole"),
        ("flipped", "changed after it was made: prod/churn/tables/raw/part-0.parquet"),
        ("not an archive", "cannot be read whole"),
        ("a folder's name for a file", "cannot be read whole"),
        ("another tar", "is not a backup of the factory"),
        ("leads out", "leads out of the home"),
        ("a link", "no plain file"),
        ("newer", "format 9"),
        ("not compressed from here on", "cannot be read whole"),
        *((how, "list of contents is damaged") for how in LISTS),
        *((how, "leads out of the home") for how in NAMES),
        ("gone", "is not there"),
    ],
)
def test_fault_43_given_a_damaged_backup_when_restored_by_force_then_it_is_named_and_the_home_stays(
    home: Home, tmp_path: Path, how: str, sentence: str
) -> None:
    file = made(home, tmp_path)
    before = contents_of(home.root)
    damaged(file, how)

    with pytest.raises(FactoryError, match=sentence):
        restore.restore(file, home, silent, force=True)

    assert contents_of(home.root) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path != file) == ["home"]


def test_fault_43_given_a_damaged_record_when_its_state_is_restored_then_only_that_comes_back(
    home: Home, tmp_path: Path
) -> None:
    file = made(home, tmp_path)
    record = home.state / ".pulumi" / "stacks" / "aifactory-usecase" / "churn.prod.json"
    good = record.read_text()
    record.write_text("{")
    home.passphrase.unlink()
    write(home.root / "prod" / "churn" / "newer", "since the backup")

    before = restore.restore_state(file, home, "churn.prod", silent)

    assert (record.read_text(), before.read_text()) == (good, "{")
    assert home.passphrase.exists()
    assert (home.root / "prod" / "churn" / "newer").exists()
    with pytest.raises(FactoryError, match=r"holds no stack churn\.dev"):
        restore.restore_state(file, home, "churn.dev", silent)
    assert not list(home.root.glob(".restoring*"))
