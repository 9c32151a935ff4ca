"""Gives a job of CI the token that its forge signs for it: AWS takes it for a role's keys, and none is ever stored.

`python -m aifactory_runtime.aws.forge_token` writes it to the file AWS_WEB_IDENTITY_TOKEN_FILE, which whatever speaks
to AWS reads together with AWS_ROLE_ARN. Tokens of GitHub and Azure DevOps are good for minutes, so that a
process stays behind and renews the file until the job ends; GitLab's are good for the job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError, UsageProblem

FILE, ROLE = "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"
SIGNED = "AIFACTORY_ID_TOKEN"
"""GitLab's token, which its job names under `id_tokens`."""
CONNECTION = "AIFACTORY_SERVICE_CONNECTION"
"""Id of the service connection that Azure DevOps signs for."""
_GITHUB_URL, _GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_AZURE_URL, _AZURE_TOKEN = "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"
_AUDIENCE = "sts.amazonaws.com"
_SECONDS = 30.0
_RENEW_SECONDS = 240.0
_LONGEST_SECONDS = 6 * 3600.0
_KEEP = "--keep"


def token(variables: Mapping[str, str]) -> str:
    """The token of the job that runs. UsageProblem outside one, FactoryError when the forge gives none."""
    if variables.get(SIGNED):
        return variables[SIGNED]
    if variables.get(_GITHUB_URL):
        url = f"{variables[_GITHUB_URL]}&{urllib.parse.urlencode({'audience': _AUDIENCE})}"
        return _asked(url, variables.get(_GITHUB_TOKEN, ""), "value", posted=False)
    if variables.get(_AZURE_URL) and variables.get(_AZURE_TOKEN):
        if not variables.get(CONNECTION):
            raise UsageProblem(f"{CONNECTION} is empty: set it to the id of the service connection (docs/delivery.md)")
        asked = urllib.parse.urlencode({"api-version": "7.1", "serviceConnectionId": variables[CONNECTION]})
        return _asked(f"{variables[_AZURE_URL]}?{asked}", variables[_AZURE_TOKEN], "oidcToken", posted=True)
    raise UsageProblem(
        "no forge signs a token here: this is for a job of CI, which has to ask for one (id-token: write at GitHub, "
        f"id_tokens at GitLab, {_AZURE_TOKEN} at Azure DevOps); by hand log in with aws sso login"
    )


def renewed(variables: Mapping[str, str]) -> bool:
    """Whether tokens end before the job does."""
    return not variables.get(SIGNED)


def write(variables: Mapping[str, str]) -> Path:
    """Put the token of the job into its file, readable by its owner only; UsageProblem without a role or a file."""
    for name in (ROLE, FILE):
        if not variables.get(name):
            raise UsageProblem(f"{name} is empty: docs/delivery.md says which variables this environment has to have")
    path = Path(variables[FILE])
    files.write(path, token(variables))
    path.chmod(0o600)
    return path


def keep(variables: Mapping[str, str], seconds: float = _RENEW_SECONDS, longest: float = _LONGEST_SECONDS) -> None:
    """Renew the file until `longest` seconds are over; one time that fails is made good by the next."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        time.sleep(seconds)
        try:
            write(variables)
        except FactoryError as error:
            print(f"factory: {error}", file=sys.stderr)  # noqa: T201 - nobody waits for an answer


def _asked(url: str, bearer: str, key: str, *, posted: bool) -> str:
    """What the forge answers under `key`."""
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=b"" if posted else None, headers=headers)  # noqa: S310 - the forge's own
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)[key])
    except urllib.error.HTTPError as error:
        raise FactoryError(
            f"the forge signs no token for this job (it answers {error.code}): may the job ask?"
        ) from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FactoryError(f"the forge signs no token for this job ({error}): run the job again") from None


def main(arguments: list[str]) -> int:
    """Write the token and, where it ends early, leave a process that renews it; the exit code."""
    try:
        if _KEEP in arguments:
            keep(os.environ)
            return 0
        path = write(os.environ)
    except FactoryError as error:
        print(f"factory: {error}", file=sys.stderr)  # noqa: T201 - a program of its own
        return error.exit_code
    if renewed(os.environ):
        command = [sys.executable, "-m", "aifactory_runtime.aws.forge_token", _KEEP]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    print(f"logged in as {os.environ[ROLE]} by the token in {path}", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
