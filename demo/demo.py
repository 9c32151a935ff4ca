"""`make demo`: one use case from a table to a traced prediction in prod, with the commands a person would type.

`python demo/demo.py up|down [FOLDER]`; the folder is `.demo` in the checkout unless named.

Every step is a public command and may be repeated, so a demo that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DEMO = Path(sys.argv[2] if len(sys.argv) > 2 else CHECKOUT / ".demo").absolute()  # noqa: PLR2004
HOME = DEMO / "home"
USE_CASE = "breast-cancer"
REPO = DEMO / USE_CASE
FACTORY = str(Path(sys.executable).with_name("factory"))
OWNER, APPROVER = "ana", "vera"
WAITS_FOR_A_PERSON = 3


class Failed(Exception):
    """A step's command failed; the message says which."""


@dataclass
class Demo:
    """Runs steps, says what it does, and keeps the seconds of each."""

    seconds: list[tuple[str, float]] = field(default_factory=list)

    def step(self, title: str, action: Callable[[], None]) -> None:
        """Do one step and time it."""
        print(f"\n== {title}", flush=True)
        started = time.monotonic()
        action()
        self.seconds.append((title, time.monotonic() - started))


def run(*command: str, cwd: Path = REPO, allowed: tuple[int, ...] = (0,), environment_name: str | None = None) -> int:
    """Run a command as a person would, shown first; its exit code, one of the allowed ones."""
    shown = " ".join("factory" if part == FACTORY else part for part in command)
    prefix = f"AIFACTORY_ENV={environment_name} " if environment_name else ""
    print(f"{cwd.name}$ {prefix}{shown}", flush=True)
    variables = environment() | ({"AIFACTORY_ENV": environment_name} if environment_name else {})
    done = subprocess.run(command, cwd=cwd, env=variables, check=False)
    if done.returncode not in allowed:
        raise Failed(f"`{shown}` ended with exit code {done.returncode}")
    return done.returncode


def environment() -> dict[str, str]:
    """Our environment with a home of the demo's own and no environment chosen."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIFACTORY_")}
    return {**kept, "FACTORY_HOME": str(HOME), "UV": str(Path(FACTORY).with_name("uv"))}


def in_repo(*arguments: str, allowed: tuple[int, ...] = (0,), environment_name: str | None = None) -> int:
    """`python -m <package> ...` with the repo's own interpreter."""
    command = (".venv/bin/python", "-m", USE_CASE.replace("-", "_"), *arguments)
    return run(*command, allowed=allowed, environment_name=environment_name)


def scaffold() -> None:
    """`factory new`, unless the repo is there."""
    if REPO.exists():
        print(f"{REPO} is there already")
        return
    DEMO.mkdir(exist_ok=True)
    run(
        *(FACTORY, "new", USE_CASE, "--data", "sample:breast-cancer", "--target-column", "diagnosis"),
        *("--owner", OWNER, "--approver", APPROVER, "--answer", "approval=required", "--allow-dirty"),
        cwd=DEMO,
    )


def provision() -> None:
    """Shared platform, then dev, staging and prod of platform and use case."""
    run(FACTORY, "up", "--platform")


def set_up() -> None:
    """The repo's own environment."""
    run("make", "--no-print-directory", "setup")


def train() -> None:
    """The whole pipeline in dev."""
    in_repo("run", environment_name="dev")


def release() -> None:
    """Dev (its schedule runs this code from now on), staging with its test, a named person's approval, prod."""
    run(FACTORY, "release", "--to", "dev")
    run(FACTORY, "release", "--to", "staging")
    code = run(FACTORY, "release", "--to", "prod", allowed=(0, WAITS_FOR_A_PERSON))
    if code == WAITS_FOR_A_PERSON:
        print(f"(played by the demo: {APPROVER}, approver of prod)")
        run(FACTORY, "approve", "--env", "prod", "--as", APPROVER)
        run(FACTORY, "release", "--to", "prod")


def contract(name: str) -> dict[str, object]:
    """Environment contract of `name` as the repo has it."""
    loaded: dict[str, object] = json.loads((REPO / ".factory" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def predict_and_trace() -> None:
    """A request to prod with the consumer's token, then `trace` of its prediction id."""
    prod = contract("prod")
    body = (REPO / "data" / "request.json").read_bytes()
    token = json.loads(Path(str(prod["endpoint_token_file"])).read_text(encoding="utf-8"))["token"]
    request = urllib.request.Request(
        f"{prod['endpoint_url']}/predict",
        data=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    print(f"{REPO.name}$ curl -H 'Content-Type: application/json' -H \"Authorization: Bearer $TOKEN\" \\")
    print(f"    --data @data/request.json {prod['endpoint_url']}/predict")
    print(f"(the token is in {prod['endpoint_token_file']})")
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    print(json.dumps(answer))
    run(FACTORY, "trace", answer["prediction_ids"][0], "--env", "prod")


def close(demo: Demo) -> None:
    """The table of what exists, addresses, seconds per step, and how to stop it."""
    print("\n== What exists now")
    run(FACTORY, "status")
    prod = contract("prod")
    print("\n== Addresses to open")
    print(f"MLflow        {prod['tracking_uri']}   (login and password: {prod['credentials_file']})")
    print(f"Dagster       {prod['dashboard_url']}")
    for name in ("dev", "staging", "prod"):
        print(f"service docs  {contract(name)['endpoint_url']}/docs   ({name})")
    print("\n== Seconds")
    for title, seconds in demo.seconds:
        print(f"{seconds:7.1f}  {title}")
    print(f"{sum(seconds for _, seconds in demo.seconds):7.1f}  in all")
    print(f"\nLook around in {REPO}; `factory` there needs FACTORY_HOME={HOME}")
    print("Stop and remove everything: make demo-down")


def up() -> None:
    """The whole demo."""
    demo = Demo()
    print(f"Every command below runs with FACTORY_HOME={HOME}, so that yours stays untouched.")
    demo.step("Scaffold the use case's repo from the template", scaffold)
    demo.step("Provision shared, dev, staging and prod on this machine", provision)
    demo.step("Make the repo's own environment", set_up)
    demo.step("Train and register in dev", train)
    demo.step("Release: staging, integration test, approval, prod", release)
    demo.step("Predict in prod and trace the prediction back", predict_and_trace)
    close(demo)


def down() -> None:
    """Destroy every stack of the demo's home, then its folder."""
    if (HOME / "state").exists():
        run(FACTORY, "destroy", "--all", "--yes", "--unprotect", "prod", cwd=CHECKOUT)
    shutil.rmtree(DEMO, ignore_errors=True)
    print("The demo is gone.")


if __name__ == "__main__":
    try:
        {"up": up, "down": down}[sys.argv[1]]()
    except Failed as problem:
        sys.exit(f"demo: {problem}; run make demo again to go on from there")
