"""What a file is: told by its first bytes, named when it is not read here, and no value of it is repeated."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, orc

from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError


def detected(folder: Path, content: bytes) -> str:
    (folder / "t").write_bytes(content)
    return source.detect(source.locate(folder, "t")).format


def made(write: object) -> bytes:
    stream = io.BytesIO()
    write(pa.table({"secret": [1]}), stream)  # type: ignore[operator]
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04secret", "an Excel or zip file"),
        (b"\xd0\xcf\x11\xe0secret", "an old Excel file"),
        (made(feather.write_feather), "an Arrow (Feather) file"),
        (made(orc.write_table), "an ORC file"),
        (b"Obj\x01secret", "an Avro file"),
        (b"<!DOCTYPE html><p>secret", "a web page (HTML)"),
        (b"\n<html lang='en'>secret", "a web page (HTML)"),
        (b"<?xml version='1.0'?><secret/>", "XML"),
        (b'[{"a": "secret"}]', "a JSON array"),
        (b'[\n  {"a": "secret"}\n]', "a JSON array"),
        (b'{\n  "a": "secret"\n}', "its first line is no whole record"),
        (b'{"a": "secret",\n "b": 1}\n', "its first line is no whole record"),
        ('{"a": "secret"}\n'.encode("utf-16"), "JSON in UTF-16"),
        (b"\0" * 257 + b"ustar", "a tar archive"),
        (gzip.compress(b"PK\x03\x04secret", mtime=0), "an Excel or zip file"),
        (gzip.compress(b'[{"a": "secret"}]', mtime=0), "a JSON array"),
    ],
)
def test_given_a_format_that_is_not_read_then_it_is_named_without_a_value(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(FactoryError) as caught:
        detected(tmp_path, content)
    assert said in str(caught.value)
    assert str(caught.value).startswith("t is ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[id],[name]\n1,x\n", "csv"),
        (b"{id},name\n1,x\n", "csv"),
        (b"<1,name\n1,x\n", "csv"),
        (b"a<b,c\n1,2\n", "csv"),
        (b"OR,Obj\n1,2\n", "csv"),
        (b'{"a": 1}\n', "jsonl"),
        (b'\xef\xbb\xbf{"a": 1}', "jsonl"),
        (gzip.compress(b'\n{"a": 1}\n', mtime=0), "jsonl"),
    ],
)
def test_given_text_that_looks_alike_then_it_is_what_it_is(tmp_path: Path, content: bytes, expected: str) -> None:
    assert detected(tmp_path, content) == expected
