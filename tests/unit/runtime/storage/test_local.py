"""A folder as a store: what each store does, and that a kill at any step leaves the old object or the new one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_runtime.storage import Changed, Store, open_store
from tests.fixtures.store_rules import StoreRules

pytestmark = pytest.mark.heavy

KILLED = """
import os, signal, sys
from aifactory_runtime.storage import open_store
root, step, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen = 0
def stop(event, args):
    global seen
    if event in ("open", "os.rename", "os.link", "os.remove", "os.mkdir") and root in str(args[0]):
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)
store = open_store(root)
version = store.read("a/b").version if way == "replace" else ""
sys.addaudithook(stop)
if way == "replace":
    store.replace("a/b", b"new", version)
elif way == "create":
    store.create("a/c", b"new")
else:
    store.put("a/b", b"new")
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


class TestLocalStore(StoreRules):
    pass


@pytest.mark.parametrize("way", ["put", "create", "replace"])
def test_given_a_writer_that_is_killed_at_any_step_then_the_object_is_whole_and_writing_goes_on(
    tmp_path: Path, way: str
) -> None:
    store, key = open_store(str(tmp_path)), "a/c" if way == "create" else "a/b"
    for step in range(1, 20):
        store.put("a/b", b"old")
        store.delete("a/c")
        done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(step), way], check=False)

        contents = {entry.key: store.read(entry.key).content for entry in store.list()}
        assert set(contents) <= {"a/b", "a/c"}
        assert contents.get(key, b"old") in (b"old", b"new")
        store.put(key, b"after")
        assert store.read(key).content == b"after"
        if done.returncode == 0:
            break
    else:
        pytest.fail("it never came to the end")
    assert step > 3


def test_given_a_put_when_its_calls_are_seen_then_the_file_and_its_folder_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)

    open_store(str(tmp_path / "new")).put("a/b", b"1")

    assert synced == [str(tmp_path), str(tmp_path / "new"), str(tmp_path / "new/a/.b.part"), str(tmp_path / "new/a")]


def test_given_an_object_that_came_back_when_swapped_by_digest_then_other_content_is_refused(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    version = store.put("a", b"1")
    (tmp_path / "a").write_bytes(b"2")  # by another program

    with pytest.raises(Changed):
        store.replace("a", b"3", version)
