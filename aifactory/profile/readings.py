"""How a text table is read, said to the person whose table it is."""

from __future__ import annotations

from aifactory.profile.scan import Table
from aifactory_runtime.data import column_names, text_encoding


def notes(table: Table) -> list[str]:
    """What of the file is no row of the table, and columns that are not written plainly; no text of the table."""
    said, read = [], table.read
    if read.encoding == text_encoding.WEST:
        said.append("letters are read as Windows writes them in the West (cp1252); if that is wrong, say --encoding")
    if read.skip_rows:
        said.append(f"lines above the header that are left out: {read.skip_rows}")
    if read.footer_rows:
        said.append(f"rows below the table, with fewer cells than the header, that are left out: {read.footer_rows}")
    if table.sums:
        said.append(
            f"the last row holds the word {table.sums}: it counts as a row; if it sums up the others, take it out"
        )
    for column in table.columns:
        if letters := column_names.unseen(column.name):
            said.append(
                f"{column_names.look(column.name)}: its name holds {', '.join(letters)}, which nobody sees: rename it, "
                "or write it so wherever you name it"
            )
        if column.said:
            said.append(f"{column.name}: {column.said}")
        if column.zones:
            said.append(f"{column.name}: {column.zones}")
        if column.rounded:
            said.append(
                f"{column.name}: {column.rounded} numbers beyond 2^53 lose their last digits, the first in row "
                f"{column.first_rounded}: a model holds no more; write codes into a column of their own"
            )
        if column.infinite:
            said.append(f"{column.name}: {column.infinite} values are infinite, and are taken for missing")
        if column.taken:
            said.append(f"{column.name}: {column.taken}")
    return said
