"""The tables: complete, and the same as what the contract and the documentation say."""

from __future__ import annotations

import re
from typing import get_args

from aifactory_runtime.contract import Manifest, manifest, names
from infra.conventions import personas, sizes, tags
from tests.infra.conftest import MANIFEST
from tests.infra.engine import ROOT


def test_every_role_has_a_permission_in_every_environment() -> None:
    assert set(personas.EXPERIMENT_AND_MODEL) == set(names.ROLES)
    for role, permissions in personas.EXPERIMENT_AND_MODEL.items():
        assert set(permissions) == set(names.ENVIRONMENTS), role


def test_the_table_of_personas_is_the_one_in_the_documentation() -> None:
    text = (ROOT / "docs" / "interfaces.md").read_text(encoding="utf-8")
    for role in names.ROLES:
        row = re.search(rf"^\| {role} \| (\w+) \| (\w+) \|", text, re.MULTILINE)
        assert row, role
        permissions = personas.EXPERIMENT_AND_MODEL[role]
        assert (permissions["dev"], permissions["staging"], permissions["prod"]) == (row[1], row[2], row[2])


def test_only_release_may_write_in_prod() -> None:
    writers = [role for role, allowed in personas.EXPERIMENT_AND_MODEL.items() if allowed["prod"] != personas.READ]
    assert writers == [names.RELEASE]


def test_every_size_of_the_manifest_is_bounded() -> None:
    assert set(sizes.SIZES) == set(get_args(manifest.Size))


def test_use_case_and_platform_carry_exactly_the_mandatory_tags() -> None:
    of_use_case = tags.of_use_case(Manifest.model_validate(MANIFEST), "dev")
    for found in (of_use_case, tags.of_platform("shared")):
        assert set(found) == set(tags.MANDATORY)
        assert all(found.values())
