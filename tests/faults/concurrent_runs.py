"""Figure 9: two pipelines start in one environment at the same time; one does the work, the other leaves at once."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.pipeline_kills import artefacts, differences
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures import usecase_repo

_ASKED = "no corruption, the loser leaves within 5 s"
_LIMIT_SECONDS = 5.0
_LOSER = re.compile(r"factory: another pipeline runs here \(process \d+\): wait until it ends\n")


def measure(pairs: int, seed: int, folder: Path, say: Say) -> Figure:
    """Start `pairs` pairs, one after the other, in one repo below `folder`: what they leave must never change."""
    repo = usecase_repo.make_repo(folder / "repo")
    first = usecase_repo.run(repo, "run")
    if first.returncode:
        raise RuntimeError(f"the run that is alone fails: {first.stderr}")
    wanted = artefacts(repo)

    def trial(random: Random) -> Trial:
        return _trial(repo, wanted, random)

    found = Figure(9, f"{pairs} concurrent pairs of runs", _ASKED, seed, _LIMIT_SECONDS)
    return figure(found, [trial] * pairs, say)


def _trial(repo: Path, wanted: dict[str, Any], random: Random) -> Trial:
    offset = random.uniform(0.0, 0.2)
    began = time.monotonic()
    pair = [_start(repo)]
    time.sleep(offset)
    second_began = time.monotonic()
    pair.append(_start(repo))
    ended: dict[int, float] = {}
    while len(ended) < len(pair):
        for number, process in enumerate(pair):
            if number not in ended and process.poll() is not None:
                ended[number] = time.monotonic()
        time.sleep(0.01)
    codes = [process.returncode for process in pair]
    told = [process.communicate()[1] for process in pair]
    if sorted(codes) != [0, 1]:
        return Trial(f"{offset:.2f} s apart", 0.0, (f"they end with {codes}: {' | '.join(told)[-300:]}",))
    loser = codes.index(1)
    seconds = ended[loser] - (second_began if loser else began)
    problems = []
    if not _LOSER.fullmatch(told[loser]):
        problems.append(f"the loser says {told[loser]!r}")
    found = artefacts(repo)
    problems += differences(found, wanted)
    return Trial(f"{offset:.2f} s apart", seconds, tuple(problems))


def _start(repo: Path) -> subprocess.Popen[str]:
    """A whole run, also when nothing changed; its texts are short enough to wait in the pipe."""
    return subprocess.Popen(
        usecase_repo.command("run", "--again"),
        cwd=repo,
        env=usecase_repo.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
