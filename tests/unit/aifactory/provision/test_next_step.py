"""What comes after `factory up`: training, a release, or a look, as far as the use case is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aifactory.provision.next_step import after_up
from aifactory.provision.run import Result
from aifactory_runtime.config.environment import embedded
from aifactory_runtime.contract import Manifest
from tests.unit.runtime.contract.test_manifest import VALID


def applied(folder: Path, environment: str) -> Result:
    outputs: dict[str, Any] = embedded(folder, Manifest.model_validate(VALID), folder / environment)
    outputs["environment"] = environment
    return Result(f"{outputs['use_case']}.{environment}", "up", {}, [], outputs)


@pytest.mark.parametrize(
    ("environments", "then"),
    [
        (("dev", "staging", "prod"), "AIFACTORY_ENV=dev make train, then factory release --to dev"),
        (("staging", "prod"), "factory release --to staging"),
    ],
)
def test_given_new_environments_then_the_next_step_is_the_first_release_and_later_a_look(
    environments: tuple[str, ...], then: str, tmp_path: Path
) -> None:
    platform = Result("dev", "up", {}, [])
    results = [platform, *(applied(tmp_path, name) for name in environments)]
    use_case = results[-1].outputs["use_case"]
    assert after_up(use_case, results) == then
    served = Path(results[-1].outputs["release_uri"]) / "serving.json"
    served.parent.mkdir(parents=True)
    served.write_text("{}")
    assert after_up(use_case, results) == "factory status"
    assert after_up(None, [platform]) == "factory up dev, inside a use case's repo"
