"""A company's own executables: which are found, what they see, what happens when one fails."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from aifactory import hooks
from aifactory_runtime.errors import FactoryError, UsageProblem


def hook(home: Path, name: str, script: str, mode: int = 0o755) -> Path:
    path = home / "hooks" / hooks.AFTER_NEW / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(mode)
    return path


def quiet(_line: str) -> None:
    pass


def test_given_executables_then_they_run_by_name_in_the_repo_and_see_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hunter2")
    hook(tmp_path, "20-second", "#!/bin/sh\necho second >> order; env > seen\n")
    hook(tmp_path, "10-first", "#!/bin/sh\necho first >> order\n")
    hook(tmp_path, ".hidden", "#!/bin/sh\nexit 1\n")
    repo = tmp_path / "repo"
    repo.mkdir()
    said: list[str] = []

    hooks.run(hooks.found(tmp_path, hooks.AFTER_NEW), repo, {"use_case": "churn"}, said.append)

    assert (repo / "order").read_text() == "first\nsecond\n"
    seen = (repo / "seen").read_text()
    assert "FACTORY_USE_CASE=churn" in seen
    assert "hunter2" not in seen
    assert [line.rpartition("/")[2] for line in said] == ["10-first ...", "20-second ..."]


def test_given_no_folder_then_there_is_none(tmp_path: Path) -> None:
    assert hooks.found(tmp_path, hooks.AFTER_UPDATE) == []


@pytest.mark.parametrize(("mode", "words"), [(0o644, "is not executable"), (0o757, "may be written by others")])
def test_given_a_hook_that_is_not_safe_then_it_is_refused_before_anything_begins(
    tmp_path: Path, mode: int, words: str
) -> None:
    hook(tmp_path, "10-first", "#!/bin/sh\n", mode)
    with pytest.raises(UsageProblem, match=words):
        hooks.found(tmp_path, hooks.AFTER_NEW)


@pytest.mark.parametrize("name", [".", "hooks", f"hooks/{hooks.AFTER_NEW}", "elsewhere"])
def test_given_a_folder_in_which_others_could_replace_a_hook_then_it_is_refused_in_one_line(
    tmp_path: Path, name: str
) -> None:
    real = hook(tmp_path, "10-first", "#!/bin/sh\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "ours").write_text("#!/bin/sh\n")
    (tmp_path / "elsewhere" / "ours").chmod(0o755)
    real.with_name("20-link").symlink_to(tmp_path / "elsewhere" / "ours")
    assert len(hooks.found(tmp_path, hooks.AFTER_NEW)) == 2
    (tmp_path / name).chmod(0o775)
    with pytest.raises(UsageProblem, match=f"{(tmp_path / name).resolve()} may be written by others") as raised:
        hooks.found(tmp_path, hooks.AFTER_NEW)
    assert "\n" not in str(raised.value)


def test_given_a_proxy_with_a_login_then_a_hook_gets_its_address_alone_and_no_message_shows_the_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://kim:hunter2@proxy.example:3128")
    script = "#!/bin/sh\necho $HTTPS_PROXY > seen; echo cannot reach https://kim:hunter2@proxy.example; exit 1\n"
    found = hook(tmp_path, "10-first", script)
    with pytest.raises(FactoryError, match=r"cannot reach https://\*\*\*@proxy\.example") as raised:
        hooks.run([found], tmp_path, {}, quiet)
    assert "hunter2" not in str(raised.value) + (tmp_path / "seen").read_text()
    assert "proxy.example:3128" in (tmp_path / "seen").read_text()


@pytest.mark.heavy
@pytest.mark.parametrize("end", ["exit 0", "wait"], ids=["ends", "takes too long"])
def test_given_a_hook_whose_children_still_run_when_it_ends_or_is_ended_then_they_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(hooks, "_SECONDS", 2)
    found = hook(tmp_path, "10-first", f"#!/bin/sh\nsleep 600 > /dev/null 2>&1 & echo $! > child\n{end}\n")
    with nullcontext() if end == "exit 0" else pytest.raises(FactoryError, match="did not end within 2 s"):
        hooks.run([found], tmp_path, {}, quiet)
    child = int((tmp_path / "child").read_text())
    assert ended(child)


def ended(process: int) -> bool:
    """Whether a process ends, which takes the system a moment after it was killed."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}:
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho no rights; exit 4\n", r"(?s)10-first ended with 4: nothing was changed.no rights"),
        ("no script at all", "10-first cannot be run"),
        ("#!/bin/sh\nexec sleep 60\n", "10-first did not end within 0.2 s"),
    ],
)
def test_given_a_hook_that_fails_then_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    monkeypatch.setattr(hooks, "_SECONDS", 0.2 if "sleep" in script else 30)
    hook(tmp_path, "10-first", script)
    with pytest.raises(FactoryError, match=words):
        hooks.run(hooks.found(tmp_path, hooks.AFTER_NEW), tmp_path, {}, quiet)
