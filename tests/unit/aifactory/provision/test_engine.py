"""Where the engine comes from: our cache, PATH, Pulumi's installer, the Go toolchain; and what `doctor` says of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi.automation import PulumiCommand

from aifactory.provision import diagnosis, engine
from aifactory_runtime.errors import FactoryError

Script = Callable[[str, str], Path]


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """PATH holds only what the test puts there; the cache is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "mkdir", "chmod", "echo", "cat"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FACTORY_CACHE", str(tmp_path / "cache"))

    def script(name: str, body: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return script


def no_installer(*_: object, **__: object) -> None:
    raise OSError("no route")


def test_given_a_fitting_engine_on_path_when_looked_for_then_it_is_taken(on_path: Script) -> None:
    there = on_path("pulumi", f"echo v{engine.version()}")

    assert engine.ensure(pytest.fail) == there


@pytest.mark.parametrize("answer", ["echo v3.1.0", "exit 1"])
def test_given_another_version_on_path_when_looked_for_then_it_is_not_taken(on_path: Script, answer: str) -> None:
    on_path("pulumi", answer)

    assert engine.find() is None


def test_given_the_cache_when_looked_for_then_it_wins_over_path(on_path: Script) -> None:
    on_path("pulumi", f"echo v{engine.version()}")
    cached = engine.root() / "bin" / "pulumi"
    cached.parent.mkdir(parents=True)
    cached.write_text("")

    assert engine.find() == cached


def test_given_no_engine_when_needed_then_the_installer_comes_before_go(
    on_path: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path("go", "exit 1")
    monkeypatch.setattr(PulumiCommand, "install", lambda root: Path(root).mkdir(parents=True))
    said: list[str] = []

    assert engine.ensure(said.append) == engine.root() / "bin" / "pulumi"
    assert "trying Pulumi's installer" in said[0]


def test_given_no_installer_when_needed_then_go_builds_it_whole_and_says_so(
    on_path: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PulumiCommand, "install", no_installer)
    on_path("go", 'mkdir -p bin; cat go.mod go.sum > bin/pulumi; chmod 755 bin/pulumi; [ "$CGO_ENABLED" = 0 ]')
    said: list[str] = []

    built = engine.ensure(said.append)

    assert f"github.com/pulumi/pulumi/pkg/v3 v{engine.version()}" in built.read_text(), "the pinned module was built"
    assert any("Building the engine with the Go toolchain" in line for line in said)
    assert engine.find() == built


def test_given_a_build_that_fails_when_needed_then_one_line_and_nothing_is_left(
    on_path: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(PulumiCommand, "install", no_installer)
    on_path("go", "echo no such module >&2; exit 1")

    with pytest.raises(FactoryError, match=r"building the Pulumi engine failed: no such module"):
        engine.ensure(lambda _: None)

    assert list((tmp_path / "cache" / "pulumi").iterdir()) == []


def test_given_neither_installer_nor_go_when_needed_then_it_says_what_to_install(
    on_path: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    del on_path
    monkeypatch.setattr(PulumiCommand, "install", no_installer)

    with pytest.raises(FactoryError, match=r"install Go 1\.26"):
        engine.ensure(lambda _: None)


def test_given_a_bare_machine_when_diagnosed_then_each_missing_part_has_one_command(
    on_path: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del on_path
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))

    found = {finding.part: finding for finding in diagnosis.examine()}

    assert not found["pulumi engine"].good
    assert found["pulumi engine"].mend == found["platform servers"].mend == "factory doctor --mend"
    assert (found["git"].good, found["git"].mend) == (False, "install git")
    assert not found["git identity"].needed
    assert found["python"].good


def test_given_a_home_that_others_can_read_when_diagnosed_then_chmod_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("FACTORY_HOME", str(home))

    found = {finding.part: finding for finding in diagnosis.examine()}["home"]

    assert (found.good, found.mend) == (False, f"chmod 700 {home}")
