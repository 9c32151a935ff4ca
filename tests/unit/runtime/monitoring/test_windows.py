"""Lines that were looked at before are not decoded again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import windows
from tests.unit.runtime.capture import lines


def test_given_lines_that_were_looked_at_when_read_on_then_only_those_behind_are_decoded(tmp_path: Path) -> None:
    values = json.loads(lines.line(7) + b"}")
    values["inputs"]["sequence"] = 99
    written = [b'{"nothing that can be read","sequence":%d}' % number for number in (1, 2)]
    written += [json.dumps(values).encode()[:-1] + b',"sequence":%d}' % number for number in (3, 4)]
    (tmp_path / "predictions-000000000000001.jsonl").write_bytes(b"\n".join(written) + b"\n")

    found = list(windows.read(tmp_path, tmp_path / "tables", 3))
    assert [each.sequence for each in found] == [4] and found[0].inputs["sequence"] == 99
    assert [each.sequence for each in windows.read(tmp_path, tmp_path / "tables", 2)] == [3, 4]
    with pytest.raises(FactoryError, match="line 2 is damaged"):
        list(windows.read(tmp_path, tmp_path / "tables", 1))


@pytest.mark.parametrize("end", [b"", b'"sequence":x}', b'"sequence":3'])
def test_given_a_line_that_ends_otherwise_when_read_on_then_it_is_damaged(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "predictions-000000000000001.jsonl").write_bytes(b'{"id":"a",' + end + b"\n")
    with pytest.raises(FactoryError, match="line 1 is damaged"):
        list(windows.read(tmp_path, tmp_path / "tables", 10))
