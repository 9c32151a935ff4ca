"""An emulated AWS: preview of staging, then platform and one use case in all environments up, again, and away.

Not part of `make bench`, as it needs what `./bootstrap.sh clouds` installs: `.venv/bin/python benchmarks/emulating.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from measure import CHECKOUT, FACTORY, Row, limit_row, seconds

ENVIRONMENTS = ("dev", "staging", "prod")
ACCOUNT = "111122223333"
PLACE = f'target: aws, account: "{ACCOUNT}", region: eu-west-1, budget_month: 200'
PLATFORM = f"""schema: 1
identity: {{forge: github, organization: acme, repository: factory}}
shared: {{{PLACE}}}
environments:
""" + "".join(f"  {name}: {{{PLACE}, notices: [platform@acme.example]}}\n" for name in ENVIRONMENTS)
"""The company's file for one account."""


def measure(work: Path) -> list[Row]:
    """Four rows; prod's data are protected, so what is destroyed is the use case in dev and staging."""
    folder = work / "emulating"
    shutil.rmtree(folder, ignore_errors=True)
    company, repo = folder / "company", folder / "bench-case"
    company.mkdir(parents=True)
    (company / "platform.yaml").write_text(PLATFORM, encoding="utf-8")
    cloud = ["--target", "aws", "--platform", f"s3://aifactory-platform-{ACCOUNT}"]
    new = [str(FACTORY), "new", "bench-case", "--owner", "ana", "--into", str(folder), "--allow-dirty", *cloud]
    seconds(new, folder)
    variables = {"FACTORY_HOME": str(folder / "home"), "FACTORY_EMULATE": "1"}

    def taken(place: Path, *command: str) -> float:
        return seconds([str(FACTORY), *command], place, variables)

    def up() -> float:
        return taken(company, "up", *ENVIRONMENTS) + taken(repo, "up", *ENVIRONMENTS)

    first = up()
    preview = taken(repo, "preview", "staging")
    again = up()
    gone = taken(repo, "destroy", "dev", "staging", "--yes")
    return [
        limit_row("emulated AWS: `factory preview staging`, whole process", 5, "s", preview),
        limit_row("emulated AWS: `factory up` of platform and one use case, 7 stacks", 30, "s", first),
        limit_row("emulated AWS: the same again, nothing to do", 12, "s", again),
        limit_row("emulated AWS: `factory destroy` of a use case in 2 environments", 20, "s", gone),
    ]


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
