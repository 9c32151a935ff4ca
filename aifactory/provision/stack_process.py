"""Process of one stack: a request as JSON on standard input; progress and result as JSON lines on standard output."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from aifactory.home import Home
from aifactory.provision.run import run
from aifactory.provision.stacks import Stack
from aifactory_runtime import garbage
from aifactory_runtime.errors import FactoryError


def main() -> int:
    """Do what the request asks; 0 when done, 1 with an `error` line when not."""
    garbage.seldom()
    request = json.load(sys.stdin)
    # What a program prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**content: object) -> None:
        answers.write(json.dumps(content, default=str) + "\n")
        answers.flush()

    try:
        home = Home(Path(request["home"]))
        result = run(request["action"], Stack(**request["stack"]), home, lambda line: answer(say=line))
    except FactoryError as error:
        answer(error=str(error))
        return 1
    answer(result=asdict(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
