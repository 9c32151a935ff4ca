"""Targets: a repo on this machine is as if there were no other; one on AWS has locks, image and a keyless CI."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from aifactory.scaffold import answers as given
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.upgrades import answered_target
from tests.fixtures.usecase_repo import commit
from tests.template import dockerfile, pipelines
from tests.template.support import FACTORYS, VENDORS, YOURS, make_template, read_by_people, render
from tests.template.test_vendors import SCHEMAS, check_schema, ci_files, zizmor

pytestmark = pytest.mark.slow

ON_AWS = {"target": "aws", "platform": "s3://acme-platform", "approval": "required", "approvers": "kim.meyer"}
_BLOCK = re.compile(
    r"(?:\n[ \t]*)?\{%-? if target (?:==|!=) \"\w+\" %\}.*?"
    r"(?:\s*\{%- else %\}(?P<other>.*?))?(?:\s*\{%-|\{%) endif %\}",
    re.DOTALL,
)
_NAMED = re.compile(r"\{% if target == 'local' %\}(.+?)\{% endif %\}")


def without_targets(folder: Path) -> Path:
    """A template that never heard of a target but this machine, made of today's."""
    template = make_template(folder)
    for path in sorted(template.rglob("*"), reverse=True):
        if ".git" in path.parts:
            continue
        if "target == 'aws'" in path.name:
            path.unlink()
        elif "target == 'local'" in path.name:
            path.rename(path.with_name(_NAMED.sub(r"\1", path.name.replace(" and target == 'local'", ""))))
        elif path.suffix == ".jinja":
            text = _BLOCK.sub(lambda found: found["other"] or "", path.read_text(encoding="utf-8"))
            text = text.replace("target: {{ target }}", "target: local")
            text = re.sub(r"dict\(_copier_answers.items\(\) \| reject\(.*?\)\)\)", "_copier_answers", text)
            assert "target ==" not in text and "target !=" not in text and "{{ platform" not in text, path
            path.write_text(text, encoding="utf-8")
    questions = template / "questions" / "delivery.yml"
    text = questions.read_text(encoding="utf-8")
    questions.write_text(text[: text.index("\n# Not asked: --target")])
    commit(template, "One machine")
    return template


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return without_targets(tmp_path_factory.mktemp("one-machine"))


@pytest.mark.parametrize("forge", list(VENDORS))
def test_given_this_machine_then_each_file_is_byte_for_byte_as_without_targets(
    template: Path, one_machine: Path, tmp_path: Path, forge: str
) -> None:
    repos = [tmp_path / name / "tumour-triage" for name in ("today", "before")]
    for repo, source in zip(repos, (template, one_machine), strict=True):
        render(source, repo, {"forge": forge})

    today, before = ({name: (repo / name).read_text() for name in read_by_people(repo)} for repo in repos)

    for files in (today, before):
        files[".copier-answers.yml"] = re.sub(r"^_.*\n", "", files[".copier-answers.yml"], flags=re.MULTILINE)
    assert today.keys() == before.keys()
    assert [name for name in today if today[name] != before[name]] == []
    assert [name for name in today if re.search(r"\baws\b", today[name], re.IGNORECASE)] == []


@pytest.fixture(scope="module", params=list(VENDORS))
def on_aws(
    template: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[str, Path]:
    """A forge and a repo at it whose target is AWS; read only."""
    repo = tmp_path_factory.mktemp("aws") / "tumour-triage"
    render(template, repo, {**ON_AWS, "forge": request.param})
    return request.param, repo


def test_given_aws_then_exactly_its_files_are_there_and_the_manifest_names_the_platform(
    on_aws: tuple[str, Path],
) -> None:
    forge, repo = on_aws
    expected = YOURS | (FACTORYS - VENDORS["github"]) | VENDORS[forge] | {"requirements/factory-aws.txt"}
    assert read_by_people(repo) == expected
    manifest = yaml_model.load(repo / "factory.yaml", Manifest)
    assert (manifest.target, manifest.platform) == ("aws", "s3://acme-platform")
    assert answered_target.due(repo) is None


def test_given_aws_then_a_merge_logs_in_makes_the_image_and_releases_as_anywhere(on_aws: tuple[str, Path]) -> None:
    forge, repo = on_aws
    stages = pipelines.READERS[forge](repo)
    lines = {name: [one.line for one in found if one.line.startswith("make ")] for name, found in stages.items()}
    assert lines == {
        "check": ["make setup", "make lint", "make test", "make ci-own", "make train"],
        "register": ["make setup", "make login", "make snapshot", "make train"],
        "staging": ["make setup", "make login", "make snapshot", "make release TO=staging TRAIN=1"],
        "prod": ["make setup", "make login", "make snapshot", "make release TO=prod WAITING=1"],
    }
    assert [stages[name][-1].variables["AIFACTORY_ENV"] for name in ("register", "staging", "prod")] == [
        *names.ENVIRONMENTS
    ]
    targets = set(re.findall(r"^([a-z-]+):", (repo / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {line.split()[1] for found in lines.values() for line in found} <= targets


def test_given_aws_then_only_jobs_of_an_environment_may_ask_for_a_token_and_no_key_is_named(
    on_aws: tuple[str, Path],
) -> None:
    forge, repo = on_aws
    for name in ci_files(forge):
        text = (repo / name).read_text(encoding="utf-8")
        assert not re.search(r"secrets\.|AWS_ACCESS_KEY|AWS_SECRET", text)
    if forge == "github":
        for name in ("ci.yml", "release.yml"):
            workflow = pipelines.read(repo / ".github/workflows" / name)
            assert workflow["permissions"] == {}
            assert "pull_request_target" not in workflow["on"]
            for job in workflow["jobs"].values():
                asks = job["permissions"] == {"contents": "read", "id-token": "write"}
                assert asks or job["permissions"] == {"contents": "read"}
                assert asks == ("environment" in job)
    elif forge == "gitlab":
        content = pipelines.read(repo / ".gitlab-ci.yml")
        asking = [name for name, job in content.items() if "id_tokens" in job]
        assert asking == [".release"]
        assert [content[name]["environment"]["deployment_tier"] for name in ("register", "staging", "prod")] == [
            *("development", "staging", "production")
        ]
        assert "id_tokens" not in content["check"] and "extends" not in content["check"]
    else:
        stages = pipelines.read(repo / "azure-pipelines.yml")["stages"]
        asking = [stage["stage"] for stage in stages if "SYSTEM_ACCESSTOKEN" in json.dumps(stage)]
        assert asking == ["register", "staging", "prod"]


def test_given_aws_then_the_files_fit_the_forges_schema_and_the_scanner_finds_nothing(
    on_aws: tuple[str, Path], rendered: Path
) -> None:
    forge, repo = on_aws
    for schema in SCHEMAS[forge]:
        done = check_schema(schema, [repo / name for name in ci_files(forge)])
        assert done.returncode == 0, done.stdout + done.stderr
    if forge == "github":
        done = zizmor(repo)
        assert json.loads(done.stdout) == [], done.stdout
        assert len(re.findall(r"completed .*workflows/", done.stderr)) == 2, "skipped counts as failed"
        check = [pipelines.read(one / ".github/workflows/release.yml")["jobs"]["check"] for one in (repo, rendered)]
        assert check[0] == check[1] | {"if": "github.event_name == 'push'"}


def test_given_aws_then_page_and_files_name_the_same_variables(on_aws: tuple[str, Path]) -> None:
    forge, repo = on_aws
    page = (repo / "docs/delivery.md").read_text(encoding="utf-8")
    for name in ("AWS_ROLE_ARN", "AWS_REGION", "AIFACTORY_CONTRACT_", "factory outputs", "factory doctor aws"):
        assert name in page
    assert f"`{ci_files(forge)[0]}`" in page or f"`{Path(ci_files(forge)[0]).parent}/`" in page
    assert "\n\n\n" not in page and "`approvers` named there first" in page


def test_given_aws_then_its_lock_holds_what_speaks_to_aws_on_top_of_the_others(on_aws: tuple[str, Path]) -> None:
    _, repo = on_aws

    def pinned(name: str) -> set[str]:
        text = (repo / "requirements" / name).read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z0-9._-]+==[^ ;]+)", text, re.MULTILINE))

    assert pinned("factory.txt") <= pinned("factory-aws.txt")
    more = {one.partition("==")[0] for one in pinned("factory-aws.txt") - pinned("factory.txt")}
    assert {"boto3", "obstore"} <= more and "sagemaker" not in more
    known = {one.partition("==")[0] for one in pinned("factory-dev.txt")}
    shared = {one for one in pinned("factory-aws.txt") if one.partition("==")[0] in known}
    assert shared <= pinned("factory-dev.txt")
    text = (repo / "requirements/factory-aws.txt").read_text(encoding="utf-8")
    assert "://" not in text and text.count("--hash=sha256:") >= len(pinned("factory-aws.txt"))
    assert "requirements/factory-aws.txt" in (repo / "Makefile").read_text(encoding="utf-8")


def test_given_aws_then_the_image_answers_serve_on_8080_and_ends_as_nobody_special(on_aws: tuple[str, Path]) -> None:
    _, repo = on_aws
    steps = dockerfile.steps(repo / "Dockerfile")
    found = dict(steps)
    assert json.loads(found["ENTRYPOINT"]) == ["python", "-m", "tumour_triage"]
    assert (json.loads(found["CMD"]), found["EXPOSE"]) == (["serve"], "8080")
    assert ("COPY", "requirements/factory-aws.txt requirements/science.txt requirements/") in steps
    assert [name for name, _ in steps].index("USER") > [name for name, _ in steps].index("RUN")
    assert "AIFACTORY_SERVE_PORT=8080 AIFACTORY_SERVE_MODEL=/opt/ml/model" in " ".join(
        text for name, text in steps if name == "ENV"
    )


def test_given_the_default_of_the_question_then_people_are_told_that_it_is_none(template: Path, tmp_path: Path) -> None:
    made = render(template, tmp_path / "repo", {"target": "aws"})
    assert made.answers.combined["platform"] == given.STAND_IN
    (told,) = given.platform_notes(made.answers.combined)
    assert "is a stand-in" in told
    assert [*given.platform_notes({**made.answers.combined, "platform": "s3://acme"})] == []


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"target": "moon"}, "'moon' is not in"),
        ({"target": "aws", "platform": "s3://me:hunter2@b"}, "looks like a secret"),
    ],
)
def test_given_a_target_or_platform_that_is_none_when_rendered_then_it_is_refused(
    template: Path, tmp_path: Path, answers: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        render(template, tmp_path / "repo", answers)


def test_given_a_target_typed_into_the_manifest_alone_then_the_difference_is_refused(
    on_aws: tuple[str, Path], tmp_path: Path
) -> None:
    repo = Path(shutil.copytree(on_aws[1], tmp_path / "repo", symlinks=True))
    text = (repo / "factory.yaml").read_text(encoding="utf-8")
    (repo / "factory.yaml").write_text(
        re.sub(r"^target: aws\n(#.*\n)platform:.*\n", "target: local\n", text, flags=re.M)
    )
    said = answered_target.due(repo)
    assert said is not None and "says target: local, but CI, locks and image are for aws" in said
    assert "factory target local" in said
