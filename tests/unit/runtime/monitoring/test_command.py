"""The command on a repo: a model is trained, served and asked for predictions, then its traffic is looked at."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures import usecase_repo
from tests.unit.runtime.environments import Environments

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Dev with a model that is served."""
    found = Environments(tmp_path_factory.mktemp("monitored"))
    base = found.repo / "conf" / "base.yaml"
    base.write_text(base.read_text() + "monitoring:\n  window_rows: 200\n  period_minutes: 0.00001\n")
    usecase_repo.commit(found.repo, "Watch windows of 200")
    found.train()
    found.start("dev")
    try:
        found.release("dev")
        found.wait("dev", "1")
        yield found
    finally:
        found.stop()


def ask(there: Environments, rows: list[dict[str, Any]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", there.ports["dev"], timeout=20)
    connection.request("POST", "/predict", json.dumps({"rows": rows}))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def customers(seed: int, count: int, **same: Any) -> list[dict[str, Any]]:
    """Like those that the model was trained on, but for what all have in common."""
    draw = random.Random(seed)  # noqa: S311 - made-up rows, not a secret
    regions = ["east", "north", "south", "west"]
    return [
        {
            "age": draw.randint(18, 90),
            "income": None if draw.random() < 0.03 else round(draw.uniform(0, 90_000), 2),
            "member": draw.random() < 0.5,
            "region": draw.choice(regions),
            **same,
        }
        for _ in range(count)
    ]


def look(there: Environments) -> dict[str, Any]:
    done = there.run("monitor", "--env", "dev", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def states(report: dict[str, Any], source: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Results of the last window of a kind by monitor and subject."""
    last = [window for window in report["windows"] if window["source"] == source][-1]
    return {(one["monitor"], one["subject"]): one for one in last["results"]}


def test_given_a_served_model_when_its_traffic_changes_then_the_monitors_say_so_and_nothing_else(
    there: Environments,
) -> None:
    schema = next((there.serving("dev") / "models").glob("*/input_schema.json")).read_text()
    assert set(json.loads(schema)["profile"]["columns"]) == {"age", "income", "member", "region", "prediction"}
    first = states(look(there), "clock")
    assert (first["answers", ""]["state"], first["staleness", ""]["state"]) == ("ok", "ok")

    ask(there, customers(1, 300))
    ask(there, customers(2, 300))
    calm = look(there)
    assert {one["state"] for window in calm["windows"] for one in window["results"]} <= {"ok", "no data", "no labels"}
    assert {one["state"] for one in states(calm, "traffic").values()} == {"ok"}
    assert states(calm, "clock")["requests", ""]["value"] == 2

    for seed in range(2):
        ask(there, customers(10 + seed, 200, region="west", income=None))
    found = states(look(there), "traffic")
    alarms = {name for name, one in found.items() if one["state"] == "alarm"}
    assert {("drift", "income"), ("missing", "income"), ("stuck", "region"), ("skew", "region")} <= alarms
    assert not {name for name in alarms if name[1] in ("age", "member")}
    problems = there.run("events", "--problems", "--env", "dev").stdout
    assert "stuck_column:region: warning" in problems and "ana.lopez: look why the source" in problems


def test_given_a_service_that_is_gone_when_looked_at_then_a_problem_for_its_owner(there: Environments) -> None:
    there.stop()
    there.launchers.clear()
    done = there.run("monitor", "--env", "dev")
    assert done.returncode == 0 and "answers: the service does not answer" in done.stdout
    assert "service_down: critical" in there.run("events", "--problems", "--env", "dev").stdout


def test_given_a_damaged_log_when_looked_at_then_one_line_and_exit_code_1(there: Environments) -> None:
    log = sorted((there.home / "dev" / "demo-case" / "capture").glob("predictions-*"))[-1]
    log.write_bytes(log.read_bytes() + b"{}\n")
    done = there.run("monitor", "--env", "dev")
    assert done.returncode == 1 and done.stderr.startswith("factory: a monitor failed: predictions: the last line of")
