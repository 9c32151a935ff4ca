"""Which tests hold each fault of the catalogue: `python -m tests.faults.catalogue` writes docs/verification.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "verification.md"
BEGIN, END = "<!-- begin: faults -->", "<!-- end: faults -->"
_NAMED = re.compile(r'(?:\bdef test_\w*?|\bid=")faults?((?:_\d+)+)')
"""The name of a test, or of a case of one, that carries numbers of faults."""

FAULTS = {
    1: "empty name",
    2: "name that is a keyword, of the standard library, or `test`",
    3: "letters that look alike",
    4: "`../`, an absolute path, `/`, a line break in a name",
    5: "Jinja text in an answer",
    6: "name that is too long",
    7: "target that is not empty",
    8: "git with changes in no commit",
    9: "killed: target absent or complete",
    10: "answer that looks like a secret",
    11: "update with a conflict",
    12: "deleted files stay deleted",
    13: "the user's edits stay",
    14: "downgrade",
    15: "missing tag",
    16: "update killed",
    17: "changed address of the source",
    18: "broken file of answers",
    19: "missing, corrupt or empty data",
    20: "copies of rows",
    21: "data larger than memory",
    22: "change of schema",
    23: "NaN and infinity in data",
    24: "one class only",
    25: "disk full",
    26: "pipeline killed: a rerun converges, one version",
    27: "two runs at once",
    28: "clock that goes back: order by sequence",
    29: "model missing or corrupt: not ready, the old one serves",
    30: "digest that differs, or a pickle: refused before loading",
    31: "huge body: 413",
    32: "`NaN` in a request: 422",
    33: "1e308 in a request: 422",
    34: "`false` for a number: 422",
    35: "extra column: 422 without repeating it",
    36: "slow callers do not slow others",
    37: "SIGTERM: not ready, drain, stop",
    38: "worker killed: back in seconds, nothing acknowledged lost",
    39: "swap and rollback under load: no failed request",
    40: "disk of the capture full: a defined policy, short writes checked",
    41: "interrupted `up`: one command recovers",
    42: "two `up`s: the loser is told who holds the lock",
    43: "corrupt state: restored from a backup",
    44: "dead process or taken port: named, repaired",
    45: "wrong passphrase: said, state untouched",
    46: "destroy of a protected prod: refused",
    47: "half destroyed: a rerun finishes",
    48: "bad manifest: file and line",
    49: "names that collide or are too long",
    50: "quota or budget: stop before creating",
    51: "fleet: one broken repo, the others finish",
    52: "fleet: access refused, no storm of retries",
    53: "fleet: half a network, goes on, nothing twice",
    54: "challenger that hangs, dies, answers nonsense",
    55: "compaction or `tidy` killed anywhere",
    56: "label early, twice, for a removed prediction",
    57: "clock that jumps, a month without traffic",
    58: "window of one class, constant, all missing",
    59: "webhook dead for a day",
    60: "quota full: service, tidying, rollback go on",
    61: "release during a live test",
    62: "orchestrator down: the guard still withdraws",
}
"""Number of each fault to what it is, shortened."""


def tests_of(root: Path) -> dict[int, list[str]]:
    """Number of a fault to the files below `root` with a test of it, sorted; faults without one are left out."""
    found: dict[int, set[str]] = {}
    for path in root.rglob("test_*.py"):
        for numbers in _NAMED.findall(path.read_text(encoding="utf-8")):
            for number in numbers.strip("_").split("_"):
                found.setdefault(int(number), set()).add(path.relative_to(root).as_posix())
    return {number: sorted(files) for number, files in found.items()}


def with_table(page: str, held: Mapping[int, list[str]]) -> str:
    """The page with the table between its marks written anew."""
    before, _, rest = page.partition(BEGIN)
    lines = ["| # | fault | tests |", "|---|---|---|"]
    for number, fault in FAULTS.items():
        files = ", ".join(f"`{file}`" for file in held.get(number, [])) or "none"
        lines.append(f"| {number} | {fault} | {files} |")
    return f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), tests_of(ROOT / "tests")), encoding="utf-8")
