"""The command line of a repo: its commands by what they are for, each imported when it is used."""

from __future__ import annotations

import os
import sys

import click

from aifactory_runtime import lazy_commands
from aifactory_runtime.config import outer
from aifactory_runtime.lazy_commands import Entry, lazy_group

SECTIONS = {
    "Pipeline, whole and by step": {
        "run": ("pipeline.commands:run", "All steps: from the data source to a registered model."),
        "ingest": ("pipeline.commands:ingest", "Read the data source into a table."),
        "validate": ("pipeline.commands:validate", "Check the table against schema and thresholds."),
        "prepare": ("pipeline.commands:prepare", "Split the table and freeze the reference rows."),
        "train": ("pipeline.commands:train", "Fit the model, as a run of MLflow."),
        "evaluate": ("pipeline.commands:evaluate", "Measure it against baseline and champion."),
        "register": ("pipeline.commands:register", "Register it as a candidate if the gate lets it pass."),
    },
    "Models": {
        "import-model": ("pipeline.model_commands:import_model", "Bring a model that was trained elsewhere."),
        "reproduce": ("pipeline.model_commands:reproduce", "Train a version again and compare."),
        "score": ("pipeline.commands:score", "Score a table."),
        "serve": ("serving.commands:serve", "Start the scoring service."),
    },
    "Release": {
        "release": ("release.commands:release", "Move a model to an environment."),
        "approve": ("release.commands:approve", "Approve what a release waits for, as a named person."),
        "certify": ("release.commands:certify", "Certify the gate, so that releases need no person until it changes."),
        "rollback": ("release.commands:rollback", "Bring the previous champion back."),
        "livetest": ("livetest.commands:livetest", "How the live test stands; act upon its verdict."),
    },
    "Training again": {
        "retrain": ("triggers.commands:retrain", "Ask by hand for a new training."),
        "requests": ("triggers.commands:requests", "Who asked for a training; approve or refuse one."),
        "due": ("triggers.commands:due", "Requests that would be trained now, for CI."),
        "tick": ("triggers.commands:tick", "Do what is due; the orchestrator calls it."),
    },
    "A cluster": {
        "scheduler": ("pipeline.cluster_commands:scheduler", "Be the scheduler of a Dask cluster."),
        "worker": ("pipeline.cluster_commands:worker", "Be a worker of it, with the code of this commit."),
    },
    "Following the factory": {
        "upgrade": ("upgrades.commands:upgrade", "Bring factory.yaml and conf/ to what this release expects."),
    },
    "Keeping in order": {
        "tidy": ("retention.commands:tidy", "Pack predictions, and remove what nothing needs any more."),
        "keep": ("retention.commands:keep", "Keep a run, a version or a day beyond the rules; list what is kept."),
        "erase": ("erasure.commands:erase", "Erase one person's predictions and labels."),
    },
    "What came true": {
        "labels": ("labels.commands:labels", "Add labels of predictions; how many count."),
    },
    "Looking": {
        "monitor": ("monitoring.commands:monitor", "Look at service, data, model and cost; open and close problems."),
        "pages": ("pages.commands:pages", "How an environment stands, as pages for a browser."),
        "notify": ("notify.commands:notify", "Tell people of problems, by file, webhook or mail."),
        "trace": ("release.commands:trace", "From a prediction id back to model, run, commit and data."),
        "events": ("events.commands:events", "What happened, open problems; acknowledge or silence one."),
        "evidence": ("evidence.commands:evidence", "One file for an auditor about a release."),
        "audit": ("audit.commands:audit", "Verify the chain of the audit log."),
        "config": ("config.commands:config", "Every setting, and where it came from."),
    },
}
"""Name to `module:attribute` of a click command and its line in the help, by heading."""

COMMANDS = {
    name: f"aifactory_runtime.{target}" for section in SECTIONS.values() for name, (target, _) in section.items()
}
"""Name to `module:attribute` of a click command."""

_ENTRIES = {
    title: {name: Entry(COMMANDS[name], summary) for name, (_, summary) in section.items()}
    for title, section in SECTIONS.items()
}


@click.group(cls=lazy_group(_ENTRIES), context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def commands(debug: bool) -> None:
    """Run the pipeline of this use case, release its model, and ask where a prediction came from.

    Exit codes: 0 done, 1 failed, 2 usage, 3 needs a person, 130 stopped with Ctrl-C.
    """
    del debug  # read from the arguments, wherever it stands


def main(package: str, arguments: list[str] | None = None) -> None:
    """Run the command line of the use case whose science is in `package`, and exit; KeyboardInterrupt for Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    outer.forget_git(os.environ)  # a hook of another repo may have started this
    sys.exit(lazy_commands.run(commands, given, f"python -m {package}"))
