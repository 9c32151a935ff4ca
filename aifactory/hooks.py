"""A company's own executables, run on a new or updated repo: from FACTORY_HOME/hooks alone, never from the repo."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aifactory_runtime.errors import FactoryError, UsageProblem

AFTER_NEW, AFTER_UPDATE = "after_new", "after_update"
_SECONDS = 300
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY")
"""What a hook sees of the environment: no token and no password, whatever the shell holds."""
_SHOWN_LINES = 5


def found(home: Path, event: str) -> list[Path]:
    """The executables of `event` (`after_new`, `after_update`), by name. UsageProblem for one that others may write."""
    folder = home / "hooks" / event
    if not folder.is_dir():
        return []
    hooks = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    for path in hooks:
        _refuse_unsafe(path)
    return hooks


def run(hooks: Sequence[Path], repo: Path, facts: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run `hooks` in `repo`, one after the other; `facts` reach them as FACTORY_<NAME>.

    FactoryError names the first that fails or takes longer than five minutes. They work on a copy: the caller takes it
    when all went well.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    variables = kept | {f"FACTORY_{name.upper()}": value for name, value in facts.items()}
    for hook in hooks:
        say(f"Running {hook} ...")
        try:
            done = subprocess.run(
                [str(hook)], cwd=repo, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=_SECONDS, text=True, errors="replace", check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise FactoryError(f"{hook} did not end within {_SECONDS} s: nothing was changed") from None
        except OSError as error:
            raise FactoryError(f"{hook} cannot be run ({error.strerror}): nothing was changed") from None
        if done.returncode:
            end = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:])
            raise FactoryError(f"{hook} ended with {done.returncode}: nothing was changed\n{end}".rstrip())


def _refuse_unsafe(path: Path) -> None:
    known = path.stat()
    if not known.st_mode & stat.S_IXUSR:
        raise UsageProblem(f"{path} is not executable: chmod u+x it, or take it away")
    if known.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or known.st_uid not in {os.getuid(), 0}:
        raise UsageProblem(f"{path} may be written by others than you: chown and chmod go-w it, or take it away")
