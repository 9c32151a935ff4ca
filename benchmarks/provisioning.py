"""`factory up` of a use case, platform there; no-op `factory preview dev` against an empty program's preview."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from measure import FACTORY, PYTHON, Row, limit_row, paired, ratio_row, seconds

from aifactory.provision import engine

ROUNDS = 5
EMPTY_PREVIEW = """
import sys
from pulumi import automation
command = automation.PulumiCommand(root=sys.argv[1], skip_version_check=True)
workspace = automation.LocalWorkspace(work_dir=sys.argv[2], program=lambda: None, pulumi_command=command)
automation.Stack.create_or_select("empty", workspace).preview()
"""


def measure(work: Path) -> list[Row]:
    """Two rows; everything is destroyed afterwards."""
    folder = work / "provisioning"
    home = {"FACTORY_HOME": str(folder / "home")}
    if (folder / "home" / "state").exists():
        seconds([str(FACTORY), "destroy", "--all", "--yes", "--unprotect", "prod"], work, home)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    new = [str(FACTORY), "new", "bench-case", "--owner", "ana", "--into", str(folder), "--allow-dirty"]
    seconds(new, folder)
    repo = folder / "bench-case"
    try:
        seconds([str(FACTORY), "up", "dev"], folder, home)
        up = seconds([str(FACTORY), "up", "dev"], repo, home)
        empty, environment = _empty(folder)
        ours, theirs = paired(
            lambda: seconds([str(FACTORY), "preview", "dev"], repo, home),
            lambda: seconds(empty, folder, environment),
            ROUNDS,
        )
    finally:
        seconds([str(FACTORY), "destroy", "--all", "--yes", "--unprotect", "prod"], folder, home)
    return [
        ratio_row("no-op `factory preview dev`", "an empty inline program's preview", 2.0, ours, theirs),
        limit_row("`factory up` of a use case in one environment, platform there", 20, "s", up),
    ]


def _empty(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the comparator: the same engine and Automation API, nothing in the program."""
    found = engine.find()
    if found is None:
        raise RuntimeError("no engine: make tools")
    work = folder / "empty"
    (work / "state").mkdir(parents=True)
    (work / "Pulumi.yaml").write_text("name: empty\nruntime: python\n", encoding="utf-8")
    environment = {
        "PULUMI_BACKEND_URL": f"file://{work / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": os.urandom(8).hex(),
        "PULUMI_HOME": str(work / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return [str(PYTHON), "-c", EMPTY_PREVIEW, str(found.parent.parent), str(work)], environment
