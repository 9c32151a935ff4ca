"""What `factory up` says of a manifest that it takes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from aifactory.provision import check_manifest
from aifactory_runtime.contract import Manifest
from tests.unit.runtime.contract.test_manifest import changed

if TYPE_CHECKING:
    from aifactory.provision.plan import Place

SCHEMA = {"columns": [{"name": "age"}, {"name": "mail"}], "ignored": ["id"], "target": "churned"}


@pytest.mark.parametrize(
    ("rules", "unknown"),
    [({"mail": "keep", "id": "keep", "churned": "keep"}, []), ({"e-mail": "keep", "*": "keep"}, ["e-mail"])],
)
def test_given_a_rule_about_a_column_when_checked_then_one_that_the_served_model_lacks_is_named(
    tmp_path: Path, rules: dict[str, Any], unknown: list[str]
) -> None:
    manifest = Manifest.model_validate(changed("environments.prod.capture_columns", rules))
    place = cast("Place", SimpleNamespace(manifest=manifest, home=SimpleNamespace(root=tmp_path)))
    assert list(check_manifest.remarks(place, ["dev", "prod"])) == [], "nothing is served: nobody knows its columns"
    model = tmp_path / "prod" / "churn" / "serving" / "models" / "aa"
    model.mkdir(parents=True)
    (model / "input_schema.json").write_text(json.dumps(SCHEMA))
    (model.parents[1] / "serving.json").write_text(json.dumps({"champion": {"sha256": "aa"}}))

    said = list(check_manifest.remarks(place, ["dev", "prod"]))

    assert [line for name in unknown for line in said if f"has no column {name}: " in line] == said
    assert len(said) == len(unknown)
