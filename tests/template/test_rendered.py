"""What the template renders: exactly these files, formatted, in one piece, and a manifest that the contract takes."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import Manifest
from tests.fixtures.usecase_repo import commit, git
from tests.template.support import (
    ANSWERS,
    CHECKOUT,
    COPY,
    FACTORYS,
    PACKAGE,
    YOURS,
    files,
    make_template,
    read_by_people,
    render,
)

pytestmark = pytest.mark.slow

MOST_FILES = 45
"""More than a person looks through at a first look at a repo."""


def ruff(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ruff over all files, those of the factory's too, which a repo leaves out: it takes what is named one by one."""
    factorys = [name for name in sorted(FACTORYS) if name.endswith(".py")]
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--no-cache", ".", *factorys],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_given_default_answers_when_rendered_then_exactly_these_files_are_there_and_all_in_src_is_science(
    rendered: Path,
) -> None:
    read = read_by_people(rendered)
    assert read == YOURS | FACTORYS
    assert len(read) <= MOST_FILES
    assert {name for name in read if name.startswith("src/")} <= YOURS


def test_given_the_runtime_when_rendered_then_all_of_it_is_copied_as_plain_files_and_nothing_more(
    template: Path, rendered: Path
) -> None:
    source = template / "runtime"
    copied = {name.removeprefix(COPY) for name in files(rendered) if name.startswith("vendor/")}
    assert copied == files(source)
    assert {name.partition("/")[0] for name in copied} == {"README.md", "pyproject.toml", "src"}
    for name in copied:
        assert not (rendered / COPY / name).is_symlink()
        assert (rendered / COPY / name).read_bytes() == (source / name).read_bytes()


def test_given_people_who_ignore_vendor_everywhere_when_committed_then_it_is_in_git_and_marked_as_generated(
    rendered: Path, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    git(repo, "init", "--quiet")
    (tmp_path / "ignored").write_text("vendor/\n")
    git(repo, "config", "core.excludesFile", str(tmp_path / "ignored"))
    commit(repo, "Start")
    assert set(git(repo, "ls-files").splitlines()) == files(rendered)
    for mark in ("linguist-generated", "gitlab-generated"):
        marked = git(repo, "ls-files", f":(attr:{mark})").splitlines()
        assert set(marked) == {name for name in files(rendered) if name.startswith(COPY)}


def test_given_the_template_when_rendered_then_no_jinja_is_left(rendered: Path) -> None:
    for name in files(rendered):
        assert "{" not in name
        if name.startswith(COPY) or name.endswith((".csv", "requirements/factory.txt")):
            continue
        text = (rendered / name).read_text(encoding="utf-8").replace("${{", "")
        assert not re.search(r"\{\{|\{%|\{#", text), name


def test_given_a_misspelt_variable_in_the_template_when_rendered_then_it_is_refused(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template")
    (template / "template" / "typo.txt.jinja").write_text("{{ use_cse }}\n")
    commit(template, "Typo")
    with pytest.raises(Exception, match="use_cse"):
        render(template, tmp_path / "repo")


def test_given_the_template_then_plain_copier_makes_the_same_of_it_and_is_asked_for_no_trust(
    template: Path, rendered: Path, tmp_path: Path
) -> None:
    from copier import run_copy

    worker = render(template, tmp_path / rendered.name, run_copy=run_copy)
    made = {name: (tmp_path / rendered.name / name) for name in files(rendered)}
    assert files(tmp_path / rendered.name) == set(made)
    for name, path in made.items():
        ours = rendered / name
        assert (path.read_bytes(), path.stat().st_mode) == (ours.read_bytes(), ours.stat().st_mode), name
    assert not worker.unsafe
    config = worker.template.config_data
    assert not {"tasks", "migrations", "jinja_extensions", "external_data"} & set(config)
    assert config["envops"]["undefined"] == "jinja2.StrictUndefined"


@pytest.mark.parametrize("use_case", ["a", "zebra", "a-use-case-whose-name-is-40-letters-long"])
def test_given_any_name_when_rendered_then_the_repo_is_formatted_and_linted(
    template: Path, tmp_path: Path, use_case: str
) -> None:
    repo = tmp_path / use_case
    render(template, repo, {"use_case": use_case})
    for arguments in (("format", "--check"), ("check",)):
        done = ruff(repo, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_given_a_rendered_repo_when_its_formatters_ran_then_git_sees_no_change(rendered: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    git(repo, "init", "--quiet")
    commit(repo, "Start")
    ruff(repo, "check", "--fix-only")
    ruff(repo, "format")
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [("x = {  'a':1}\n", "not formatted: make format"), ("import os\n", "make format mends some of it")],
)
def test_given_a_fault_of_form_when_linted_then_the_command_that_mends_it_is_named(
    rendered: Path, tmp_path: Path, line: str, said: str
) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    (repo / "src" / PACKAGE / "more.py").write_text(line, encoding="utf-8")
    command = ["make", "--no-print-directory", "lint", f"PYTHON={sys.executable}"]

    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)

    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_given_a_rendered_repo_when_checked_by_mypy_with_the_factorys_tests_then_it_finds_nothing(
    rendered: Path, type_cache: Path, tmp_path: Path
) -> None:
    settings = (rendered / "pyproject.toml").read_text(encoding="utf-8")
    assert ', "tests.conftest", "tests.factory.*"]' in settings
    everything = tmp_path / "pyproject.toml"
    everything.write_text(settings.replace(', "tests.conftest", "tests.factory.*"]', "]"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(type_cache), "--config-file", str(everything)],
        cwd=rendered,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_given_default_answers_then_manifest_and_settings_are_what_the_runtime_takes(rendered: Path) -> None:
    manifest = yaml_model.load(rendered / "factory.yaml", Manifest)
    assert (manifest.use_case, manifest.owner, manifest.package) == (ANSWERS["use_case"], ANSWERS["owner"], PACKAGE)
    assert manifest.settings("prod").approval == "none"
    for environment in ("embedded", "dev", "staging", "prod"):
        Settings.load(rendered / "conf", environment)
    for environment in ("dev", "staging", "prod"):
        assert (rendered / manifest.settings(environment).data_source).is_file()


CHOICES = {
    "profile": ("quick", "standard", "regulated"),
    "data_classification": ("public", "internal"),
    "risk": ("low", "limited", "high"),
    "approval": ("none", "required"),
    "approvers": ("kim.meyer", "kim.meyer, bo , ana.lopez"),
    "forge": ("github", "azure-devops", "gitlab"),
    "use_case": ("no", "y", "tumour-triage-2"),
    "owner": ("null", "ana.lopez"),
    "title": ("Mr. O'Keefe's \"best\": 100% & more # {x}", "Größe — 数据 😀", "1.0", "- [ ] todo"),
    "team": ("yes", "{{ 7 * 7 }}{% raw %}", "@home: a\\b"),
}


def pairs(choices: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Few sets of answers in which every two answers meet at least once."""
    keys = sorted(choices)
    missing = {
        frozenset({(a, x), (b, y)}) for a, b in itertools.combinations(keys, 2) for x in choices[a] for y in choices[b]
    }
    found = []
    while missing:
        row = dict(min(missing, key=sorted))
        for key in keys:
            if key not in row:
                row[key] = max(choices[key], key=lambda x: sum({(key, x), item} in missing for item in row.items()))
        missing -= {frozenset(two) for two in itertools.combinations(row.items(), 2)}
        found.append(row)
    return found


def test_given_valid_answers_by_pairs_then_each_is_said_literally_in_a_valid_manifest(
    template: Path, tmp_path: Path
) -> None:
    for number, answers in enumerate(pairs(CHOICES)):
        repo = tmp_path / str(number)
        render(template, repo, answers)
        manifest = yaml_model.load(repo / "factory.yaml", Manifest)
        assert manifest.title == answers["title"]
        assert manifest.team == answers["team"]
        assert (manifest.use_case, manifest.owner, manifest.risk) == (
            answers["use_case"],
            answers["owner"],
            answers["risk"],
        )
        prod = manifest.settings("prod")
        assert prod.approval == answers["approval"]
        assert prod.approvers == tuple(login.strip() for login in answers["approvers"].split(","))
        assert json.loads((repo / "notebooks/explore.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4
        tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))
        kept = yaml.safe_load((repo / ".copier-answers.yml").read_text(encoding="utf-8"))
        assert {key: kept[key] for key in answers} == answers


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("quick", ("low", "public", "none")),
        ("standard", ("low", "internal", "none")),
        ("regulated", ("high", "internal", "required")),
    ],
)
def test_given_a_profile_then_it_chooses_the_defaults(
    template: Path, tmp_path: Path, profile: str, expected: tuple[str, str, str]
) -> None:
    approvers = {"approvers": "kim.meyer"} if profile == "regulated" else {}
    render(template, tmp_path / "repo", {"profile": profile, **approvers})
    manifest = yaml_model.load(tmp_path / "repo" / "factory.yaml", Manifest)
    assert (manifest.risk, manifest.data_classification, manifest.settings("prod").approval) == expected


@pytest.mark.parametrize(
    ("problem", "scoring", "train_in"),
    [("classification", "both", "dev"), ("regression", "batch", "prod"), ("regression", "online", "prod")],
)
def test_given_a_pattern_then_the_manifest_says_it_and_has_its_schedules(
    template: Path, tmp_path: Path, problem: str, scoring: str, train_in: str
) -> None:
    render(template, tmp_path / "repo", {"problem": problem, "scoring": scoring, "train_in": train_in})
    manifest = yaml_model.load(tmp_path / "repo" / "factory.yaml", Manifest)
    assert (manifest.problem, manifest.scoring, manifest.train_in) == (problem, scoring, train_in)
    assert manifest.settings(train_in).retraining.schedule == "0 3 * * 1"
    assert (manifest.settings("prod").batch.schedule is not None) == (scoring != "online")


def test_given_the_sample_script_when_run_then_it_writes_what_the_template_ships(tmp_path: Path) -> None:
    from samples import breast_cancer

    breast_cancer.write(tmp_path)
    for name in ("sample.csv", "request.json"):
        assert (tmp_path / name).read_bytes() == (CHECKOUT / "template" / "data" / name).read_bytes()


def test_given_the_locks_then_they_agree_and_name_no_download_address(rendered: Path) -> None:
    def pinned(name: str) -> set[str]:
        lines = (rendered / "requirements" / name).read_text(encoding="utf-8").splitlines()
        return {re.split(r"[ ;\\]", line)[0] for line in lines if re.match(r"[a-z0-9]", line)}

    assert pinned("factory.txt") <= pinned("factory-dev.txt") & pinned("factory-dask.txt")
    for name in ("factory.txt", "factory-dev.txt", "factory-dask.txt", "uv.txt"):
        text = (rendered / "requirements" / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert text.count("--hash=sha256:") >= len(pinned(name))


def test_given_a_new_repo_when_its_own_commands_run_then_tests_pass_and_git_stays_clean(
    rendered: Path, tmp_path: Path, type_cache: Path
) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "Start")
    for target in ("lint", "test"):
        done = subprocess.run(
            ["make", "--no-print-directory", target, f"PYTHON={sys.executable}"],
            cwd=repo,
            env={**os.environ, "MYPY_CACHE_DIR": str(type_cache)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert git(repo, "status", "--porcelain") == ""


BREAKS = {
    "growth is no ratio": (
        "features.py",
        'columns["worst_radius"] / columns["mean_radius"]',
        'columns["worst_radius"]',
    ),
    "a feature looks at other rows": ("features.py", "np.log(columns", "np.cumsum(columns"),
    "the schema takes negative lengths": ("schema.py", '"radius": (1.0, 50.0)', '"radius": (-9.0, 50.0)'),
    "the schema takes extra columns": ("schema.py", "strict=True", "strict=False"),
    "the model learns nothing": ("model.py", "C=1 / penalty_strength", "C=1e-9 / penalty_strength"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_given_broken_science_when_its_tests_run_then_they_notice(rendered: Path, tmp_path: Path, name: str) -> None:
    file, old, new = BREAKS[name]
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    path = repo / "src" / PACKAGE / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-m", "not slow"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
