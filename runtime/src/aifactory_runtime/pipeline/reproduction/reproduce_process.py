"""`python -m aifactory_runtime.pipeline.reproduction.reproduce_process PLACE`: the child process of `reproduce`.

Makes the model of a run once more, in a checkout of its commit, against the environment that AIFACTORY_ENV_FILE names;
the handoff of the run comes on standard input.
It writes the model folder to PLACE, and nothing else anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aifactory_runtime import stdout
from aifactory_runtime.config import project
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import fitting, model_files, training_data


def retrain(context: Context, handoff: Handoff, place: Path) -> str:
    """Fit with the parameters and the table versions of the run; the digest of the model folder."""
    data = training_data.load(context, handoff)
    fitted = fitting.fit(context, data, handoff.parameters)
    return model_files.write(context, handoff, data, fitted.estimator, place)


def main() -> None:
    """Read, retrain, print the digest; an error is one line."""
    from aifactory_runtime.errors import FactoryError

    try:
        handoff = handoffs.parse(sys.stdin.read())
        with stdout.kept():
            digest = retrain(Context(project.load(Path.cwd())), handoff, Path(sys.argv[1]).resolve())
        print(digest)  # noqa: T201 - its answer
    except FactoryError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
