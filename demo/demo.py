"""`make demo`: two use cases from a table to a traced prediction in prod, with the commands a person would type.

`python demo/demo.py up|down [FOLDER]`; the folder is `.demo` in the checkout unless named.

A classification is scored online and a named person approves it; a regression is scored online and in batches. Every
step is a public command and may be repeated, so a demo that was killed goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
FACTORY = str(Path(sys.executable).with_name("factory"))
OWNER, APPROVER = "ana", "vera"
WAITS_FOR_A_PERSON = 3


@dataclass
class Place:
    """Where the demo lies: in the checkout, unless `main` is given another folder."""

    folder: Path = CHECKOUT / ".demo"

    @property
    def home(self) -> Path:
        """FACTORY_HOME of everything that the demo runs."""
        return self.folder / "home"


PLACE = Place()


@dataclass(frozen=True)
class UseCase:
    """One of the demo's use cases: its name, the table it learns from, and what else `factory new` is told."""

    name: str
    target: str
    told: tuple[str, ...]

    @property
    def repo(self) -> Path:
        """Its repo."""
        return PLACE.folder / self.name

    @property
    def package(self) -> str:
        """Its package."""
        return self.name.replace("-", "_")


CANCER = UseCase("breast-cancer", "diagnosis", ("--approver", APPROVER, "--answer", "approval=required"))
DIABETES = UseCase("diabetes", "progression", ("--scoring", "both"))
USE_CASES = (CANCER, DIABETES)
ENVIRONMENTS = ("dev", "staging", "prod")


class Failed(Exception):
    """The demo cannot go on; the message says why."""


class CommandFailed(Failed):
    """A step's command failed; the message says which, and `main` adds how to go on."""


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


def run(
    *command: str, cwd: Path, allowed: tuple[int, ...] = (0,), environment_name: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would, shown first; its exit code is one of the allowed ones.

    Beside another, a command is shown once it is done, together with what it said, which only then is kept.
    """
    shown = " ".join("factory" if part == FACTORY else part for part in command)
    prefix = f"AIFACTORY_ENV={environment_name} " if environment_name else ""
    line = f"{cwd.name}$ {prefix}{shown}\n"
    variables = environment() | ({"AIFACTORY_ENV": environment_name} if environment_name else {})
    beside = threading.current_thread() is not threading.main_thread()
    out, err = (subprocess.PIPE, subprocess.STDOUT) if beside else (None, None)
    if not beside:
        print(line, end="", flush=True)
    done = subprocess.run(command, cwd=cwd, env=variables, check=False, text=True, stdout=out, stderr=err)
    if beside:
        print(line + done.stdout, end="", flush=True)
    if done.returncode not in allowed:
        raise CommandFailed(f"`{shown}` ended with exit code {done.returncode}")
    return done


def for_each(action: Callable[[UseCase], None], use_cases: Iterable[UseCase] = USE_CASES) -> None:
    """`action` for each use case at the same time: they do not wait for each other."""
    side_by_side(*(partial(action, use_case) for use_case in use_cases))


def side_by_side(*actions: Callable[[], object]) -> None:
    """Do all at the same time; the first that fails is raised once all have ended."""
    with ThreadPoolExecutor() as threads:
        for begun in [threads.submit(action) for action in actions]:
            begun.result()


def environment() -> dict[str, str]:
    """Our environment with a home of the demo's own and no environment chosen."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIFACTORY_")}
    return {**kept, "FACTORY_HOME": str(PLACE.home), "UV": str(Path(FACTORY).with_name("uv"))}


def in_repo(use_case: UseCase, *arguments: str, environment_name: str) -> subprocess.CompletedProcess[str]:
    """`python -m <package> ...` with the repo's own interpreter."""
    command = (".venv/bin/python", "-m", use_case.package, *arguments)
    return run(*command, cwd=use_case.repo, environment_name=environment_name)


def scaffold() -> None:
    """`factory new` for each repo that is not there."""
    PLACE.folder.mkdir(exist_ok=True)
    for_each(_scaffold)


def _scaffold(use_case: UseCase) -> None:
    if use_case.repo.exists():
        print(f"{use_case.repo} is there already")
        return
    table = ("--data", f"sample:{use_case.name}", "--target-column", use_case.target)
    run(FACTORY, "new", use_case.name, *table, "--owner", OWNER, *use_case.told, "--allow-dirty", cwd=PLACE.folder)


def provision(there: set[str]) -> None:
    """The platform with the first use case, then the second on the same platform; at once when all are `there`."""
    first = partial(run, FACTORY, "up", "--platform", cwd=CANCER.repo)
    second = partial(run, FACTORY, "up", cwd=DIABETES.repo)
    if len(there) == len(USE_CASES):
        side_by_side(first, second)
    else:
        first()
        second()


def set_up() -> None:
    """The repos' own environments."""
    for_each(_set_up)


def _set_up(use_case: UseCase) -> None:
    run("make", "--no-print-directory", "setup", cwd=use_case.repo)


def released() -> set[str]:
    """Use cases of which every environment has what its registry calls champion."""
    done = subprocess.run(
        (FACTORY, "status", "--json"), cwd=PLACE.folder, env=environment(), capture_output=True, text=True, check=False
    )
    rows = json.loads(done.stdout)["serving"] if done.returncode == 0 else []
    settled = [row["use_case"] for row in rows if row["released"] == row["registry"] and not row["remark"]]
    return {name for name in settled if settled.count(name) == len(ENVIRONMENTS)}


def train(there: set[str]) -> None:
    """The whole pipeline in dev, of each use case that is not `there`."""
    for_each(_train, _missing(there, "train"))


def _train(use_case: UseCase) -> None:
    in_repo(use_case, "run", environment_name="dev")


def release(there: set[str]) -> None:
    """Dev (its schedule runs this code from now on), staging with its test, a person's approval where asked, prod."""
    for_each(_release, _missing(there, "release"))


def _missing(there: set[str], what: str) -> list[UseCase]:
    for name in sorted(there):
        print(f"{name} is released in every environment: nothing to {what}")
    return [use_case for use_case in USE_CASES if use_case.name not in there]


def _release(use_case: UseCase) -> None:
    run(FACTORY, "release", "--to", "dev", cwd=use_case.repo)
    run(FACTORY, "release", "--to", "staging", cwd=use_case.repo)
    done = run(FACTORY, "release", "--to", "prod", allowed=(0, WAITS_FOR_A_PERSON), cwd=use_case.repo)
    if done.returncode == WAITS_FOR_A_PERSON:
        print(f"(played by the demo: {APPROVER}, approver of prod)")
        run(FACTORY, "approve", "--env", "prod", "--as", APPROVER, cwd=use_case.repo)
        run(FACTORY, "release", "--to", "prod", cwd=use_case.repo)


def contract(use_case: UseCase, name: str) -> dict[str, object]:
    """Environment contract of `name` as the repo has it."""
    path = use_case.repo / ".factory" / f"{name}.json"
    loaded: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def predict_and_trace() -> None:
    """Of each use case a prediction by prod's service, of one also a batch; `trace` of each back to what made it."""
    side_by_side(*(partial(_predict_and_trace, use_case) for use_case in USE_CASES), _score_and_trace)


def _predict_and_trace(use_case: UseCase) -> None:
    """A request with the consumer's token, then `trace` of its prediction id."""
    run(FACTORY, "trace", asked(use_case), "--env", "prod", cwd=use_case.repo)


def asked(use_case: UseCase) -> str:
    """Id of one prediction by prod's service."""
    prod = contract(use_case, "prod")
    body = (use_case.repo / "data" / "request.json").read_bytes()
    token = json.loads(Path(str(prod["endpoint_token_file"])).read_text(encoding="utf-8"))["token"]
    request = urllib.request.Request(
        f"{prod['endpoint_url']}/predict",
        data=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    print(
        f"{use_case.name}$ curl -H 'Content-Type: application/json' -H \"Authorization: Bearer $TOKEN\" \\\n"
        f"    --data @data/request.json {prod['endpoint_url']}/predict\n"
        f"(the token is in {prod['endpoint_token_file']})\n{json.dumps(answer)}"
    )
    return str(answer["prediction_ids"][0])


def _score_and_trace() -> None:
    """A table scored in prod, as the schedule does each day, and `trace` of one of its rows."""
    done = in_repo(DIABETES, "score", "--json", environment_name="prod")
    first = json.loads(done.stdout.splitlines()[-1])["first_prediction_id"]
    run(FACTORY, "trace", first, "--env", "prod", cwd=DIABETES.repo)


def close(demo: Demo) -> None:
    """The table of what exists, addresses, seconds per step, and how to stop it."""
    print("\n== What exists now")
    run(FACTORY, "status", cwd=PLACE.folder)
    dev, prod = contract(CANCER, "dev"), contract(CANCER, "prod")
    in_repo(CANCER, "pages", environment_name="prod")  # the others' are written by the first tick there
    print("\n== Addresses to open")
    print(f"dashboard     {prod['dashboard_url']}   (login of prod: {prod['credentials_file']})")
    print(f"MLflow        {dev['tracking_uri']}   (login of dev: {dev['credentials_file']}; others beside it)")
    print(f"Dagster       {dev['orchestrator_url']}")
    for use_case in USE_CASES:
        for name in ENVIRONMENTS:
            print(f"service docs  {contract(use_case, name)['endpoint_url']}/docs   ({use_case.name}, {name})")
    print("\n== Seconds")
    for title, seconds in demo.seconds:
        print(f"{seconds:7.1f}  {title}")
    print(f"{sum(seconds for _, seconds in demo.seconds):7.1f}  in all")
    print(f"\nLook around in {CANCER.repo} and {DIABETES.repo}, where `factory` needs:")
    print(f"  export FACTORY_HOME={PLACE.home} PATH={Path(FACTORY).parent}:$PATH")
    print("Stop and remove everything: make demo-down")


def up() -> None:
    """The whole demo."""
    demo = Demo()
    print(f"Every command below runs with FACTORY_HOME={PLACE.home}, so that yours stays untouched.")
    demo.step("Scaffold the repos of two use cases from the template", scaffold)
    before = released()
    demo.step(
        "Provision shared, dev, staging and prod on this machine; beside it the repos' own environments",
        lambda: side_by_side(lambda: provision(before), set_up),
    )
    there = before if len(before) == len(USE_CASES) else released()
    demo.step("Train and register in dev", lambda: train(there))
    demo.step("Release: staging, integration test, approval, prod", lambda: release(there))
    demo.step("Predict in prod, online and in a batch, and trace the predictions back", predict_and_trace)
    close(demo)


def down(*more: Path) -> None:
    """Destroy every stack of the demo's home, then what `up` made in its folder, and `more`; anything else stays."""
    provisioned = (PLACE.home / "state").is_dir()
    scaffolded = any((use_case.repo / "factory.yaml").is_file() for use_case in USE_CASES)
    if PLACE.folder.exists() and any(PLACE.folder.iterdir()) and not (provisioned or scaffolded):
        raise Failed(f"{PLACE.folder} holds no demo, so nothing there was removed: name the folder that `up` was given")
    if provisioned:
        run(FACTORY, "destroy", "--all", "--yes", "--unprotect", "prod", cwd=CHECKOUT)
    for folder in (PLACE.home, *(use_case.repo for use_case in USE_CASES), *more):
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise Failed(f"{folder} cannot be removed whole: see what uses it, then again")
    with contextlib.suppress(OSError):
        PLACE.folder.rmdir()
    print("The demo is gone.")


def main(usage: str, commands: Mapping[str, Callable[[], None]], go_on: Mapping[str, str]) -> None:
    """Run what the first argument names, or say how it is used; a failed step is one line, with how to `go_on`."""
    chosen, *given = sys.argv[1:] or [""]
    if given:
        PLACE.folder = Path(given[0]).absolute()
    if chosen not in commands:
        sys.exit(f"usage: {usage}")
    try:
        commands[chosen]()
    except CommandFailed as problem:
        sys.exit(f"demo: {problem}; {go_on[chosen]}")
    except Failed as problem:
        sys.exit(f"demo: {problem}")


GO_ON = {
    "up": "run make demo again to go on from there",
    "down": "run make demo-down again to go on from there",
}

if __name__ == "__main__":
    main("demo.py up|down [FOLDER]", {"up": up, "down": down}, GO_ON)
