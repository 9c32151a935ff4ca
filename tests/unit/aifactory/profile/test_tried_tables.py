"""Tables as programs and people write them: what `factory new` says, training reads and the service answers is one."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aifactory.profile import Proposal, Table, Wishes, propose, take_in
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError
from tests.unit.aifactory.profile.served import columns as served_columns

ROWS = 60


def state(row: int) -> str:
    return "fail" if row % 3 == 0 else "ok"


def table(names: Sequence[str], cells: Callable[[int], Sequence[object]], sep: str = ",", end: str = "\n") -> str:
    """A text table of sixty rows; the column that is predicted comes last."""
    rows = [sep.join(map(str, (*cells(row), state(row)))) for row in range(ROWS)]
    return end.join([sep.join((*names, "state")), *rows, ""])


def german(value: float) -> str:
    return f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


PLAIN = table(["n", "kw"], lambda row: (row * 7 % 11, row * 1.5))
Values = dict[str, list[Any]]

READ: dict[str, tuple[str | bytes, dict[str, tuple[str, Any, Any]], str]] = {
    # what it is: the file; by column its kind and the values of the first and the last row; a note that is there
    "Excel in German": (
        table(
            ["Menge", "Umsatz", "Datum"],
            lambda r: (r * 7 % 50, f"{german(r * 333.3)} €", f"{r % 28 + 1:02d}.01.2024"),
            ";",
            "\r\n",
        ).encode("cp1252"),
        {"Menge": ("integer", 0, 13), "Umsatz": ("number", 0.0, 19664.7)},
        "Umsatz: read as numbers (€ left out; a point between thousands; a comma before decimals)",
    ),
    "Excel in French": (
        table(
            ["Prix", "Payé"],
            lambda r: (f"{r * 1234.5:,.2f} €".replace(",", "\u202f").replace(".", ","), "oui" if r % 2 else "non"),
            ";",
            "\r\n",
        ),
        {"Prix": ("number", 0.0, 72835.5), "Payé": ("category", "non", "oui")},
        "Prix: read as numbers (€ left out; a space between thousands; a comma before decimals)",
    ),
    "SAP, a minus behind": (
        table(["Menge", "Wert"], lambda r: (f"{r * 3},000", german(r * 1020.5) + ("-" if r % 4 == 3 else "")), ";"),
        {"Menge": ("number", 0.0, 177.0), "Wert": ("number", 0.0, -60209.5)},
        "brackets and other signs of minus are a minus",
    ),
    "pandas with its index": (
        table(["", "n"], lambda r: (r, r * 7 % 11)),
        {"unnamed_1": ("integer", 0, 59), "n": ("integer", 0, 6)},
        "",
    ),
    "R's write.csv": (
        table(['""', '"n"', '"on"'], lambda r: (f'"{r + 1}"', "NA" if r == 59 else r, "TRUE" if r % 2 else "FALSE")),
        {"unnamed_1": ("integer", 1, 60), "n": ("integer", 0, None), "on": ("boolean", False, True)},
        "",
    ),
    "Stata's points for nothing": (
        table(["n", "m"], lambda r: ("." if r % 5 == 0 else r * 3.5, r)),
        {"n": ("number", None, 206.5)},
        "",
    ),
    "Postgres' COPY with a header": (
        table(
            ["n", "ts", "on"],
            lambda r: ("\\N" if r % 5 == 0 else r, f"2024-01-{r % 28 + 1:02d} 10:11:12.5+00", "ft"[r % 2]),
            "\t",
        ),
        {"n": ("integer", None, 59), "on": ("category", "f", "t")},
        "n: 48 of 60 cells are numbers, 12 are taken for missing, the first in row 1",
    ),
    "times with the name of UTC": (
        table(["n", "ts"], lambda r: (r % 7, f"2024-01-{r % 28 + 1:02d} 10:11:12 UTC")),
        {"ts": ("date", None, None)},
        "ts: 60 times name a zone and are moved to UTC",
    ),
    "times over a change of the clock": (
        table(["n", "ts"], lambda r: (r % 7, f"2024-10-27T02:{r:02d}:00+0{2 - r // 30}:00")),
        {"ts": ("date", None, None)},
        "ts: 60 times name a zone and are moved to UTC",
    ),
    "scientific notation": (
        table(["a", "b"], lambda r: (f"{r}.5E+03", f"{r}e-5")),
        {"a": ("number", 500.0, 59500.0), "b": ("number", 0.0, 0.00059)},
        "",
    ),
    "zip codes with leading zeros": (
        table(["n", "zip"], lambda r: (r % 7, f"{r % 9 * 1234:05d}")),
        {"zip": ("category", "00000", "06170")},
        "zip: numbers that begin with 0",
    ),
    "truth in four ways": (
        table(["n", "on"], lambda r: (r % 7, ["TRUE", "true", "False", "FALSE"][r % 4])),
        {"on": ("boolean", True, False)},
        "",
    ),
    "ja and nein": (
        table(["n", "da"], lambda r: (r % 7, ["ja", "nein"][r % 2])),
        {"da": ("category", "ja", "nein")},
        "",
    ),
    "percents beside shares": (
        table(["n", "p"], lambda r: (r % 7, f"{r}%" if r % 2 else r / 100)),
        {"p": ("text", "0.0", "59%")},
        "p: numbers with different units or signs (none 30, % 30",
    ),
    "negative in brackets": (
        table(["n", "usd"], lambda r: (r % 7, f"({r}.50)" if r % 2 else f"{r}.50")),
        {"usd": ("number", 0.5, -59.5)},
        "brackets",
    ),
    "an empty and a constant column": (
        table(["n", "none", "land"], lambda r: (r % 7, "", "DE")),
        {"none": ("text", None, None), "land": ("text", "DE", "DE")},
        "",
    ),
    "one odd cell": (
        table(["n", "kw"], lambda r: (r % 7, "broken" if r == 59 else r * 1.5)),
        {"kw": ("number", 0.0, None)},
        "kw: 59 of 60 cells are numbers, 1 is taken for missing, the first in row 60",
    ),
    "Windows' line ends": (PLAIN.replace("\n", "\r\n"), {"kw": ("number", 0.0, 88.5)}, ""),
    "old Macs' line ends": (PLAIN.replace("\n", "\r"), {"kw": ("number", 0.0, 88.5)}, ""),
    "no line end behind the last row": (PLAIN[:-1], {"kw": ("number", 0.0, 88.5)}, ""),
    "blank lines between rows": (PLAIN.replace("\n", "\n\n"), {"kw": ("number", 0.0, 88.5)}, ""),
    "packed": (gzip.compress(PLAIN.encode()), {"kw": ("number", 0.0, 88.5)}, ""),
    "a separator at the end of each line": (
        PLAIN.replace("\n", ",\n"),
        {"unnamed_4": ("text", None, None), "kw": ("number", 0.0, 88.5)},
        "",
    ),
    "quotes and line breaks in cells": (
        table(["n", "said"], lambda r: (r % 7, f'"he said ""no, {r % 3}""\nand left"')),
        {"said": ("category", 'he said "no, 0"\nand left', 'he said "no, 2"\nand left')},
        "",
    ),
    "comments above the header": (
        "# by hand\n# twice\n" + PLAIN,
        {"kw": ("number", 0.0, 88.5)},
        "lines above the header",
    ),
    "no header": (
        PLAIN.partition("\n")[2].replace("0,0.0,fail", "0,0.5,state", 1),
        {"0": ("integer", 7, 6)},
        "if it is a row",
    ),
    "a key that comes twice": (
        table(["key", "n"], lambda r: (f"K{r // 2}", r % 7)),
        {"key": ("category", "K0", "K29")},
        "",
    ),
    "Excel's days": (table(["n", "day"], lambda r: (r % 7, 45000 + r * 3)), {"day": ("integer", 45000, 45177)}, ""),
    "codes beyond 2^53 among decimals": (
        table(["n", "m"], lambda r: (r % 7, 2**53 + r if r % 2 else r + 0.5)),
        {"m": ("number", 0.5, float(2**53 + 59))},
        "m: 30 numbers beyond 2^53 lose their last digits, the first in row 2",
    ),
}

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a sum below": (PLAIN + "Total,2655,60\n", "holds the word total"),
    "a source below": (PLAIN + "Source,World Bank,ok\n", "the last row holds words in n and kw"),
    "a title of two cells": ("Pumps,2024\n" + PLAIN, "if it is a title or a comment"),
    "names of groups above the header": ("all,all,x\n" + PLAIN, "line 2 reads like a header, too"),
    "units under the header": (
        PLAIN.replace("\n", "\n[1],[kW],\n", 1).replace("[1]", "[m]"),
        "line 2 reads like a header, too",
    ),
    "a printed table": (PLAIN.replace("\n", "\n---,----,-----\n", 1), "is a line of dashes"),
    "the header twice": (PLAIN + PLAIN, "is the header once more"),
    "a row with too many cells": (PLAIN + "1,2,ok,3\n1,2,ok\n", "a row (line 62) has 4 values"),
    "a row with too few cells": (PLAIN + "1,2\n1,2,ok\n", "a row (line 62) has 2 values"),
    "zeros of a broken disk": (PLAIN + "\0" * 20, "bytes that no text has"),
    "an end of file of DOS": (PLAIN + "\x1a", "a row (line 62) has 1 values"),
    "a quote that is not closed": (PLAIN.replace("\n1,", '\n"1,', 1), "mend the file"),
    "Spark's quotes": (table(["n", "said"], lambda r: (r % 7, '"a \\"b\\""')), "a backslash before a quote"),
    "a header alone": ("n,kw,state\n", "has no rows"),
    "two rows": ("n,kw,state\n1,2,ok\n3,4,fail\n", "at least 20 are needed"),
    "nothing": ("", "is empty"),
    "spaces between cells": (PLAIN.replace(",", " "), "columns are told apart by a comma"),
    "fixed widths": (
        "n    kw   state\n" + "".join(f"{r:<5}{r:<5}{state(r)}\n" for r in range(ROWS)),
        "columns are told apart",
    ),
    "names that look alike": (PLAIN.replace("n,kw", "n,n\u200b"), "two columns look alike"),
    "a JSON array": ('[{"n": 1, "state": "ok"}]', "is a JSON array"),
    "an id as classes": (table(["n"], lambda r: (r % 7,)).replace("fail", "ok"), "the same value in every row"),
    "Excel itself": (b"PK\x03\x04" + bytes(50), "an Excel or zip file"),
}


@pytest.mark.parametrize("what", READ)
def test_given_a_table_that_people_have_when_tried_then_new_training_and_service_have_the_same_values(
    tmp_path: Path, what: str
) -> None:
    content, wanted, note = READ[what]
    put(tmp_path, content)
    found, proposal = looked_at(tmp_path)

    roles = {column.name: column.kind for column in (proposal.target, *proposal.columns)}
    read = pa.Table.from_batches(source.batches(source.locate(tmp_path, "t.csv"), found.read, roles)).to_pydict()
    served = served_as(content, found, proposal)

    assert {name: roles[name] for name in wanted} == {name: kind for name, (kind, _, _) in wanted.items()}
    for name, (kind, first, last) in wanted.items():
        if kind != "date":
            assert (read[name][0], read[name][-1]) == (pytest.approx(first), pytest.approx(last))
    assert any(note in said for said in proposal.notes) or not note
    assert served == {name: read[name] for name in served} and (served or found.read.skip_rows)


@pytest.mark.parametrize("what", REFUSED)
def test_given_a_table_that_is_none_when_tried_then_it_is_refused_with_what_it_is(tmp_path: Path, what: str) -> None:
    content, said = REFUSED[what]
    put(tmp_path, content)
    with pytest.raises(FactoryError) as caught:
        looked_at(tmp_path)
    assert said in str(caught.value)


def put(folder: Path, content: str | bytes) -> None:
    (folder / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())


def looked_at(folder: Path) -> tuple[Table, Proposal]:
    table = take_in("t.csv", folder, None).table
    return table, propose(table, "t.csv", "state", Wishes())


def served_as(content: str | bytes, table: Table, proposal: Proposal) -> Values:
    """What the service makes of a body that is the file; nothing where lines stand above its header."""
    if table.read.skip_rows:
        return {}
    body = content if isinstance(content, bytes) else content.encode()
    body = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    return served_columns(body.decode(table.read.encoding).encode(), table, proposal, ROWS)
