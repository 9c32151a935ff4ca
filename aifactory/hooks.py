"""A company's own executables, run on a new or updated repo: from FACTORY_HOME/hooks alone, never from the repo."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError, UsageProblem

AFTER_NEW, AFTER_UPDATE = "after_new", "after_update"
_SECONDS = 300
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY")
"""What a hook sees of the environment: no token and no password, whatever the shell holds; no login in an address."""
_SHOWN_LINES = 5


def found(home: Path, event: str) -> list[Path]:
    """The executables of `event` (`after_new`, `after_update`), by name.

    UsageProblem for one that others may write or replace, or that is not executable.
    """
    folder = home / "hooks" / event
    if not folder.is_dir():
        return []
    hooks = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    for path in (home, folder.parent, folder) if hooks else ():
        _refuse_others(path)
    for path in hooks:
        _refuse_others(path.resolve().parent)  # of a link: who may write there may replace what it names
        _refuse_others(path)
        if not path.stat().st_mode & stat.S_IXUSR:
            raise UsageProblem(f"{path} is not executable: chmod u+x it, or take it away")
    return hooks


def run(hooks: Sequence[Path], repo: Path, facts: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run `hooks` in `repo`, one after the other; `facts` reach them as FACTORY_<NAME>.

    FactoryError names the first that fails or takes longer than five minutes. They work on a copy: the caller takes it
    when all went well.
    """
    kept = {name: network.without_logins(os.environ[name]) for name in _KEPT if name in os.environ}
    variables = kept | {f"FACTORY_{name.upper()}": value for name, value in facts.items()}
    for hook in hooks:
        say(f"Running {hook} ...")
        try:
            code, printed = _ended(hook, repo, variables)
        except subprocess.TimeoutExpired:
            raise FactoryError(f"{hook} did not end within {_SECONDS} s: nothing was changed") from None
        except OSError as error:
            raise FactoryError(f"{hook} cannot be run ({error.strerror}): nothing was changed") from None
        if code:
            end = network.without_logins("\n".join(printed.strip().splitlines()[-_SHOWN_LINES:]))
            raise FactoryError(f"{hook} ended with {code}: nothing was changed\n{end}".rstrip())


def _ended(hook: Path, repo: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a hook; what it started and left running is ended, too."""
    process = subprocess.Popen(
        [str(hook)], cwd=repo, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            printed, _nothing = process.communicate(timeout=_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, printed


def _refuse_others(path: Path) -> None:
    known = path.stat()
    if known.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or known.st_uid not in {os.getuid(), 0}:
        raise UsageProblem(f"{path} may be written by others than you: chown and chmod go-w it, or take it away")
