"""How letters are written: read where it is sure, refused with a question where it is not, formats called by name."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pytest

from aifactory_runtime.data import source, text_encoding
from aifactory_runtime.data.located import Located
from aifactory_runtime.errors import FactoryError, UsageProblem

CASES = Path(__file__).parents[3] / "fixtures" / "cases"
JAPANESE = "電力,都市,state\n538.5,東京,ok\n376.67,大阪,fail\n775.88,カキ,ok\n"
RUSSIAN = "мощность,город,state\n538.5,Москва,ok\n376.67,Тула,fail\n"
CHINESE = "电力,城市,state\n538.5,北京,ok\n376.67,男,fail\n"


def put(folder: Path, content: bytes) -> Located:
    (folder / "t.csv").write_bytes(content)
    return source.locate(folder, "t.csv")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gbk"),
        (CHINESE.replace("电", "電"), "big5hkscs"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "cp866"),
        ("größe,ort\n1,Köln\n".replace("ö", "\x93"), "utf-8"),
    ],
)
def test_given_letters_that_no_rule_tells_when_read_then_it_is_asked_how_they_are_written(
    tmp_path: Path, text: str, encoding: str
) -> None:
    with pytest.raises(FactoryError, match=r"how are the letters written\?.*--encoding.*data\.read\.encoding"):
        source.detect(put(tmp_path, text.encode(encoding)))


@pytest.mark.parametrize(
    "text",
    ["Größe,größer Süß\n1,Öl\n", "prix,café\n1\u00a0234\u00a0€,élève\n", "a,b\n12°,« oui »\n5\u00a0\u2013\u00a07,x\n"],
)
def test_given_western_letters_of_windows_when_read_then_they_are_themselves(tmp_path: Path, text: str) -> None:
    located = put(tmp_path, text.encode("cp1252"))
    found = source.detect(located)
    assert found.encoding == "cp1252"
    assert pa.Table.from_batches(source.batches(located, found)).column_names == text.partition("\n")[0].split(",")


def test_given_the_encoding_by_a_person_when_read_then_it_is_used() -> None:
    located = source.locate(CASES / "shift-jis", "fudou.csv")
    found = pa.Table.from_batches(source.batches(located, source.detect(located, "shift_jis")))
    assert found.column_names == ["電力", "都市", "state"]
    assert len(found) == 60
    with pytest.raises(UsageProblem, match="no encoding"):
        source.detect(located, "martian")
    with pytest.raises(UsageProblem, match="not written in utf-8"):
        source.detect(located, "utf-8")


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "utf-16", "utf-16-be"])
def test_given_wide_letters_when_read_then_they_are_themselves(tmp_path: Path, encoding: str) -> None:
    located = put(tmp_path, "Größe,b\n1,x\n2,ü\n".encode(encoding))
    found = pa.Table.from_batches(source.batches(located, source.detect(located)))
    assert found.to_pydict() == {"Größe": ["1", "2"], "b": ["x", "ü"]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>\n<table><tr><td>secret</td></tr></table>", r"is a web page \(HTML\)"),
        (b"\xef\xbb\xbf\n <html><body>secret", r"is a web page \(HTML\)"),
        (b'<?xml version="1.0"?>\n<a>secret</a>', "is XML"),
        (b'[{"a": "secret"}]', "is a JSON array"),
        (b'[\n  ["a"], ["secret"]]', "is a JSON array"),
        (b"%PDF-1.7\nsecret", "is a PDF"),
    ],
)
def test_given_another_format_when_read_then_it_is_named_and_no_value_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(FactoryError, match=said) as caught:
        source.detect(put(tmp_path, content))
    assert "secret" not in str(caught.value)


def test_given_a_header_without_a_line_end_when_read_then_it_has_no_rows(tmp_path: Path) -> None:
    located = put(tmp_path, b"a,b,c")
    with pytest.raises(FactoryError, match="has no rows"):
        list(source.batches(located, source.detect(located)))


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", ""])
def test_given_a_name_that_is_no_encoding_of_texts_when_told_then_it_is_refused_by_name(encoding: str) -> None:
    with pytest.raises(UsageProblem, match=f"{encoding} is no encoding that Python knows"):
        text_encoding.check("t.csv", lambda: io.BytesIO(b"a"), encoding)
