"""Objects in S3: created once, replaced only as they were read, and one line for what is wrong."""

from __future__ import annotations

import threading
from pathlib import Path

import boto3
import pytest

from aifactory_runtime.aws.objects import Missing, Objects, Taken
from aifactory_runtime.aws.session import Session
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError, UsageProblem


@pytest.fixture
def objects(contract: EnvironmentContract) -> Objects:
    return Objects(Session(contract), contract.registry_uri)


def test_given_an_object_when_created_again_or_replaced_as_it_was_then_refused(objects: Objects) -> None:
    first = objects.create("a/b.json", b"1")
    with pytest.raises(Taken, match=r"models/a/b.json was written by somebody else meanwhile"):
        objects.create("a/b.json", b"2")
    second = objects.replace("a/b.json", b"3", first)
    with pytest.raises(Taken):
        objects.replace("a/b.json", b"4", first)
    assert (objects.read("a/b.json").content, objects.read("a/b.json").version) == (b"3", second)


def test_given_eight_writers_when_each_adds_to_one_object_then_no_addition_is_lost(objects: Objects) -> None:
    objects.create("count", b"0")

    def add() -> None:
        for _ in range(5):
            while True:
                found = objects.read("count")
                try:
                    objects.replace("count", str(int(found.content) + 1).encode(), found.version)
                except Taken:
                    continue
                break

    writers = [threading.Thread(target=add) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert objects.read("count").content == b"40"


def test_given_a_folder_when_copied_up_and_down_then_it_is_the_same(
    objects: Objects, model: Path, tmp_path: Path
) -> None:
    objects.upload(model, "1/model")
    objects.put("10/model/other", b"")
    objects.download("1/model", tmp_path / "copy")
    assert [entry.key for entry in objects.list("1/")] == ["1/model/MLmodel", "1/model/part/model.skops"]
    assert sorted(path.name for path in (tmp_path / "copy").rglob("*")) == ["MLmodel", "model.skops", "part"]
    objects.delete("1/model/MLmodel")
    objects.delete("1/model/MLmodel")
    with pytest.raises(Missing, match="models/1/model/MLmodel is missing"):
        objects.read("1/model/MLmodel")


def test_given_a_key_that_leads_out_of_its_folder_when_copied_then_refused(
    contract: EnvironmentContract, objects: Objects, tmp_path: Path
) -> None:
    bucket = contract.registry_uri.split("/")[2]
    boto3.client("s3").put_object(Bucket=bucket, Key="models/1/model/../../out", Body=b"x")
    with pytest.raises(FactoryError, match="leads out of its folder"):
        objects.download("1/model", tmp_path / "copy")


def test_given_no_bucket_or_no_address_when_asked_then_one_line_says_what_to_do(contract: EnvironmentContract) -> None:
    session = Session(contract)
    with pytest.raises(FactoryError, match=r"^the bucket nowhere is not there: factory up prod makes it$"):
        Objects(session, "s3://nowhere/models").read("a")
    with pytest.raises(UsageProblem, match=r"^/a/folder is no address in S3"):
        Objects(session, "/a/folder")
