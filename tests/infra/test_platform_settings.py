"""`platform.yaml`: one valid file, and what is said of each that is not, with file and line."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from aifactory.provision import platform_file
from aifactory_runtime.errors import UsageProblem
from infra.conventions import regions
from infra.platform import settings

VALID: dict[str, Any] = {
    "schema": 1,
    "identity": {"forge": "github", "organization": "acme", "repository": "factory"},
    "shared": {"target": "aws", "account": "111122223333", "region": "eu-west-1", "budget_month": 50},
    "environments": {
        "dev": {
            "target": "aws",
            "account": "111122223333",
            "region": "eu-west-1",
            "budget_month": 200,
            "notices": ["platform@acme.example"],
        },
        "prod": {
            "target": "aws",
            "account": "444455556666",
            "region": "eu-west-1",
            "network": "private",
            "data_classification": "confidential",
            "budget_month": 900.5,
            "log_days": 365,
        },
    },
}


def written(folder: Path, path: str = "", value: object = None) -> Path:
    """The valid file with one key changed; `REMOVED` takes it out."""
    content = copy.deepcopy(VALID)
    *parents, last = path.split(".") if path else [""]
    place = content
    for key in parents:
        place = place[key]
    if value is REMOVED:
        del place[last]
    elif path:
        place[last] = value
    found = folder / platform_file.FILE
    found.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return found


REMOVED = object()


def test_given_a_valid_file_when_read_then_every_stack_has_its_entry(tmp_path: Path) -> None:
    written(tmp_path)

    found = platform_file.load(tmp_path / platform_file.FILE)

    assert found.site("dev").account == "111122223333"
    assert found.site("prod").network == "private"
    assert found.site("staging").target == "local"
    assert found.accounts == ("111122223333", "444455556666")


@pytest.mark.parametrize(
    ("path", "value", "line", "sentence"),
    [
        ("environments.dev.account", 111122223333, 14, "in quotes"),
        ("environments.dev.account", "1111", 14, r"match pattern '\^\\d\{12\}\$'"),
        ("environments.dev.account", REMOVED, 12, "target: aws needs account"),
        ("environments.dev.region", "eu-moon-1", 15, f"eu-moon-1 is none of {', '.join(regions.AWS)}"),
        ("environments.prod.region", "eu-central-1", 1, "they lie in that of shared; write eu-west-1"),
        ("environments.dev.target", "moon", 13, "'local' or 'aws'"),
        ("environments.dev.target", "local", 12, "target: local takes no account, budget_month, notices, region"),
        ("environments.dev.budget_month", 0, 16, "greater than 0"),
        ("environments.dev.budget_month", float("inf"), 16, "finite"),
        ("environments.dev.notices", ["nobody"], 18, "match pattern"),
        ("environments.dev.colour", "red", 19, "unknown key"),
        ("environments.prod.network", "open", 23, "'public' or 'private'"),
        ("environments.prod.network", "public", 19, "confidential needs network: private"),
        ("environments.prod.data_classification", "secret", 24, "'public', 'internal', 'confidential' or 'restricted'"),
        ("environments.prod.log_days", 91, 26, "91 is none of 30, 60, 90"),
        ("environments.prod.address_range", "10.0.0.0/8", 27, "match pattern"),
        ("environments.prod.zones", ["a"], 27, "at least 2"),
        ("environments.prod.zones", ["a", "eu-west-1b"], 29, "match pattern"),
        ("environments.prod.data_accounts", [123], 28, "in quotes"),
        ("environments.test", {"target": "local"}, 27, "'dev', 'staging' or 'prod'"),
        ("identity", REMOVED, 1, "identity is missing: dev, prod"),
        ("identity.forge", "bitbucket", 3, "'github', 'azure-devops' or 'gitlab'"),
        ("identity.forge", "azure-devops", 2, "write the organisation's id as tenant"),
        ("identity.tenant", "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a", 2, "remove tenant"),
        ("identity.ids", {"owner": 1}, 6, "Field required"),
        ("identity.organization", "acme/ml", 2, "acme/ml/factory: name the repo at github as owner/name"),
        ("identity.host", "git.acme.example", 2, "host is for a GitLab of your own"),
        ("identity.repository", REMOVED, 2, "Field required"),
        ("shared", REMOVED, 1, "shared: write target: aws"),
        ("schema", 2, 1, "Input should be 1"),
        ("environments", {}, 11, "at least 1"),
    ],
)
def test_given_an_invalid_file_when_read_then_file_and_line_and_what_is_right_are_said(
    tmp_path: Path, path: str, value: object, line: int, sentence: str
) -> None:
    found = written(tmp_path, path, value)

    with pytest.raises(UsageProblem, match=sentence) as refused:
        platform_file.load(found)

    assert str(refused.value).startswith(f"{found}:{line}: ")
    assert "\n" not in str(refused.value)


TENANT = "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"
GROUP = "project_path:acme/factory:ref_type:branch:ref:main:deployment_tier"


@pytest.mark.parametrize(
    ("identity", "issuer", "subject"),
    [
        ({"forge": "github"}, "token.actions.githubusercontent.com", "repo:acme/factory:environment:dev"),
        (
            {"forge": "github", "ids": {"owner": 1, "repo": 2}},
            "token.actions.githubusercontent.com",
            "repo:acme@1/factory@2:environment:dev",
        ),
        ({"forge": "gitlab"}, "gitlab.com", f"{GROUP}:development"),
        ({"forge": "gitlab", "host": "git.acme.example"}, "git.acme.example", f"{GROUP}:development"),
        (
            {"forge": "azure-devops", "tenant": TENANT, "repository": "ml/factory"},
            f"vstoken.dev.azure.com/{TENANT}",
            "sc://acme/ml/factory-dev",
        ),
    ],
)
def test_given_a_forge_when_its_identity_is_asked_then_it_is_who_signs_its_tokens_and_for_which_jobs(
    identity: dict[str, Any], issuer: str, subject: str
) -> None:
    found = settings.Identity.model_validate({"organization": "acme", "repository": "factory", **identity})

    assert (found.issuer, found.subject("dev", reads=False)) == (issuer, subject)


def test_given_the_model_when_its_schema_is_made_then_the_published_file_is_the_same() -> None:
    assert settings.SCHEMA.read_text(encoding="utf-8") == settings.schema(), f"run python -m {settings.__name__}"


def test_given_the_factorys_checkout_when_sought_then_the_file_is_found_at_or_above(tmp_path: Path) -> None:
    written(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert platform_file.find(below) == tmp_path / platform_file.FILE
    assert platform_file.find(Path("/")) is None


def test_given_the_page_when_its_example_is_read_then_it_is_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "aws.md").read_text(encoding="utf-8")
    example = page.partition("## The platform")[2].partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / platform_file.FILE).write_text(example, encoding="utf-8")

    assert platform_file.load(tmp_path / platform_file.FILE).in_cloud == ("dev", "prod")
