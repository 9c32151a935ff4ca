"""What `factory doctor` says of programs, readers and the network."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.unit.aifactory.conftest import Factory


def doctor(factory: Factory, tmp_path: Path, **variables: str) -> dict[str, dict[str, object]]:
    done = factory("doctor", "--json", cwd=tmp_path, home=tmp_path / "home", **variables)
    return {finding["part"]: finding for finding in json.loads(done.stdout)}


def test_given_this_machine_when_examined_then_programs_and_readers_are_found(tmp_path: Path, factory: Factory) -> None:
    found = doctor(factory, tmp_path)

    assert (found["programs"]["good"], found["programs"]["found"]) == (True, "make, prlimit")
    assert found["table readers"]["good"] is True
    assert "pyarrow" in str(found["table readers"]["found"])


def test_given_missing_programs_when_examined_then_their_packages_are_named(tmp_path: Path, factory: Factory) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    git = shutil.which("git")
    assert git is not None
    (programs / "git").symlink_to(git)

    found = doctor(factory, tmp_path, PATH=str(programs))["programs"]

    assert (found["good"], found["mend"]) == (False, "install make and util-linux")


def test_given_a_network_with_a_login_when_examined_then_it_is_shown_without_it(
    tmp_path: Path, factory: Factory
) -> None:
    found = doctor(
        factory,
        tmp_path,
        HTTPS_PROXY="http://ana:hunter2@proxy.example:3128",
        UV_INDEX_URL="https://ana:hunter2@index.example/simple",
        SSL_CERT_FILE=str(tmp_path / "no.pem"),
    )["network"]

    assert "proxy.example:3128" in str(found["found"])
    assert "hunter2" not in json.dumps(found)
    assert (found["good"], "SSL_CERT_FILE names no file" in str(found["mend"])) == (False, True)


def test_given_a_home_that_cannot_be_entered_when_examined_then_it_is_not_called_well(
    tmp_path: Path, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    assert doctor(factory, tmp_path)["home"]["good"] is True
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != home and may(path, mode))  # root may do everything

    found = doctor(factory, tmp_path)["home"]

    assert (found["good"], found["mend"]) == (False, f"chmod 700 {home}")


def test_given_a_file_for_a_home_when_examined_then_it_is_not_called_well(tmp_path: Path, factory: Factory) -> None:
    (tmp_path / "home").write_text("")

    found = doctor(factory, tmp_path)["home"]

    assert (found["good"], "is not a folder" in str(found["found"])) == (False, True)
