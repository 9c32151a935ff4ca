"""`make demo` with tools cached, its second run, and the memory of one scoring service that it leaves running."""

from __future__ import annotations

import json
from pathlib import Path

from measure import CHECKOUT, Row, limit_row, seconds

HOME = CHECKOUT / ".demo" / "home"
MIB = 1024


def measure(_work: Path) -> list[Row]:
    """Three rows; the demo is taken down before and after."""
    make = ["make", "--no-print-directory"]
    seconds([*make, "demo-down"], CHECKOUT)
    try:
        first = seconds([*make, "demo"], CHECKOUT)
        second = seconds([*make, "demo"], CHECKOUT)
        used, processes = service_memory(HOME / "prod" / "breast-cancer")
    finally:
        seconds([*make, "demo-down"], CHECKOUT)
    detail = f"launcher and worker ({processes} processes), three environments serving; shared pages count by share"
    return [
        limit_row("`make demo`, tools cached", 150, "s", first),
        limit_row("`make demo`, second run", 30, "s", second),
        limit_row("memory of one scoring service (PSS), model loaded", 150, "MB", used, detail),
    ]


def service_memory(folder: Path) -> tuple[float, int]:
    """PSS in MB of all processes that serve the use case of `folder`, and how many they are."""
    workers = [json.loads(path.read_text())["pid"] for path in (folder / "serving" / "status").glob("*.json")]
    alive = [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    parents = {int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) for pid in alive}
    processes = [*alive, *parents]
    return sum(pss(pid) for pid in processes), len(processes)


def pss(pid: int) -> float:
    """Proportional set size of one process in MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / MIB
