"""Runs the cells of a notebook, in order, in a real Jupyter kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CELL_SECONDS = 300


class CellFailed(Exception):
    """A cell raised; the message is its traceback."""


def sources(notebook: Path) -> list[str]:
    """Code of each code cell."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run(cells: list[str], folder: Path, variables: dict[str, str]) -> list[str]:
    """What each cell printed or showed as text; CellFailed for the first that raises."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=variables)
    try:
        return [_one(client, cell) for cell in cells]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _one(client: Any, cell: str) -> str:
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

    reply = client.execute_interactive(cell, timeout=CELL_SECONDS, output_hook=hear)
    if reply["content"]["status"] != "ok":
        raise CellFailed("\n".join(reply["content"].get("traceback", [])))
    return "".join(said)
