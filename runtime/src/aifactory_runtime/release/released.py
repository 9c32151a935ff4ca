"""Runs released code: a module of a snapshot, by the snapshot's own interpreter, as one identity of one environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from aifactory_runtime.config import environment, layout
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.release.side import Side

_OURS = ("AIFACTORY_", "FACTORY_", "PULUMI_", "DAGSTER_", "MLFLOW_", "PYTHON", "VIRTUAL_ENV")
"""Variables of who releases, which must not decide what the released code does."""


def run(
    side: Side,
    commit: str,
    identity: str,
    *command: str,
    given: str | None = None,
    variables: Mapping[str, str] | None = None,
    show: bool = False,
) -> str:
    """Run `python -m <command>` of the snapshot of `commit` against `side`; what it printed.

    `given` goes to its standard input; `show` passes its messages on as they come. FactoryError with its last line when
    it fails.
    """
    snapshot = side.snapshots.of(commit)
    done = subprocess.run(
        [str(snapshot / ".venv" / "bin" / "python"), "-m", *command],
        cwd=snapshot,
        env={**_scrubbed(), **_chosen(side, identity), "PYTHONPATH": layout.python_path(snapshot), **(variables or {})},
        input=given,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        last = ((done.stderr or "").strip().splitlines() or ["see above" if show else "no reason given"])[-1]
        raise FactoryError(
            f"the released code fails in {side.name}: {last.removeprefix('Error: ').removeprefix('factory: ')}"
        )
    return done.stdout


def _scrubbed() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}


def _chosen(side: Side, identity: str) -> dict[str, str]:
    """Variables that say which environment, and as whom; see `config.environment`."""
    contract = side.contract
    said = environment.SAID + side.name.upper()  # not the file: on a forge's runner there is none
    chosen = {environment.CHOICE: side.name, said: contract.model_dump_json(), "AIFACTORY_IDENTITY": identity}
    if contract.credentials_file is not None:
        login = Path(contract.credentials_file).with_name(f"{identity}.json")
        chosen["AIFACTORY_CREDENTIALS_FILE"] = str(login)
    return chosen
