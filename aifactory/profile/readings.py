"""How a text table is read, said to the person whose table it is."""

from __future__ import annotations

from aifactory_runtime.config.settings import ReadSettings


def notes(read: ReadSettings) -> list[str]:
    """What of the file is no row of the table, a line each; numbers of lines only, no text of it."""
    said = []
    if read.skip_rows:
        said.append(f"lines above the header that are left out: {read.skip_rows}")
    if read.footer_rows:
        said.append(f"rows below the table, with fewer cells than the header, that are left out: {read.footer_rows}")
    return said
