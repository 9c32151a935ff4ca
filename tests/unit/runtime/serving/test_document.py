"""A damaged serving.json: the service says so, a release writes it again with a sequence that still grows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.serving.document import Document, ServingFolder, Status


@pytest.mark.parametrize("content", ["[]", "{", '{"sequence": "x"}', ""])
def test_given_a_damaged_document_when_read_then_who_serves_is_told_and_who_writes_goes_on(
    tmp_path: Path, content: str
) -> None:
    folder = ServingFolder(tmp_path)
    folder.path.write_text(content)
    folder.report(Status(os.getpid(), sequence=7, champion=None, ready=True, reason=None, commit=None))

    with pytest.raises(FactoryError, match="run release again"):
        folder.read()
    assert folder.known() is None
    assert folder.next_sequence() == 8


def test_given_a_good_document_when_the_next_is_numbered_then_it_grows_by_one(tmp_path: Path) -> None:
    folder = ServingFolder(tmp_path)
    assert folder.next_sequence() == 1
    folder.write(Document(sequence=3, champion=None))

    assert folder.known() == Document(sequence=3, champion=None)
    assert folder.next_sequence() == 4
