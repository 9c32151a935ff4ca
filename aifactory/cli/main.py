"""The `factory` command: its commands by what people do with them, each imported when it is called."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from aifactory_runtime import __version__, lazy_commands
from aifactory_runtime.config import outer
from aifactory_runtime.lazy_commands import Entry, lazy_group

SECTIONS = {
    "Make a use case": {
        "new": Entry("aifactory.cli.new:command", "Make a use case's repo from the template."),
        "adopt": Entry("aifactory.cli.adopt:command", "Bring in a repo that was made by hand, nothing of it lost."),
        "update": Entry("aifactory.cli.update:command", "Bring a repo to a release of the factory, your lines kept."),
        "target": Entry("aifactory.cli.target:command", "Let the use case run on another target, such as aws."),
        "sample": Entry(
            "aifactory.cli.sample:command", "Make data/sample.csv again from the table (in a use case's repo)."
        ),
    },
    "Environments": {
        "up": Entry(
            "aifactory.cli.environments:up",
            "Provision environments: of the use case whose repo this is, elsewhere of the platform.",
        ),
        "preview": Entry("aifactory.cli.environments:preview", "Show what `up` would change."),
        "refresh": Entry(
            "aifactory.cli.environments:refresh", "Compare what is applied with what runs; exit 3 and names on drift."
        ),
        "outputs": Entry(
            "aifactory.cli.environments:outputs",
            "Print the environment contract as JSON, dotenv or GitHub environment.",
        ),
        "retire": Entry(
            "aifactory.cli.environments:retire", "Stop a use case and keep all it made; says why in status."
        ),
        "destroy": Entry("aifactory.cli.environments:destroy", "Remove environments and everything in them."),
        "bootstrap": Entry(
            "aifactory.cli.bootstrap:command", "Prepare an account in a cloud for the platform, once (aws)."
        ),
    },
    "Models, in a use case's repo": {
        "release": Entry("aifactory.cli.repo:release", "Move a model to an environment."),
        "approve": Entry("aifactory.cli.repo:approve", "Approve a release as a named person."),
        "certify": Entry("aifactory.cli.repo:certify", "Certify the gate, so that releases need no person."),
        "rollback": Entry("aifactory.cli.repo:rollback", "Go back to the previous champion."),
        "trace": Entry("aifactory.cli.repo:trace", "From a prediction id back to model, run, commit and data."),
        "audit": Entry("aifactory.cli.repo:audit", "Verify the chain of the audit log."),
    },
    "Every day": {
        "status": Entry("aifactory.cli.services:status", "Show environments, services and what is served."),
        "logs": Entry("aifactory.cli.logs:command", "Show what services and runs wrote."),
        "open": Entry(
            "aifactory.cli.addresses:command",
            "Open dashboard, MLflow, Dagster or a service's docs; prints the address and which login to use.",
        ),
        "start": Entry("aifactory.cli.services:start", "Start the platform's services after a stop or a reboot."),
        "stop": Entry("aifactory.cli.services:stop", "Stop the platform's services; nothing is removed."),
    },
    "People": {
        "person": Entry("aifactory.cli.person:command", "Give people a persona, take it away, list who has which."),
        "rotate": Entry("aifactory.cli.rotate:command", "New passwords and tokens for the identities of a use case."),
    },
    "Keep and bring back": {
        "backup": Entry(
            "aifactory.cli.backups:backup", "Write a consistent copy of FACTORY_HOME to a file; services go on."
        ),
        "restore": Entry("aifactory.cli.backups:restore", "Make FACTORY_HOME from a backup and start its services."),
    },
    "The tool itself": {
        "doctor": Entry(
            "aifactory.cli.doctor:command", "Say what is installed, what is missing and the one command that mends it."
        ),
        "config": Entry("aifactory.cli.config:command", "Print every value in use; with --explain where it came from."),
        "completion": Entry(
            "aifactory.cli.completion:command", "Print what makes a shell complete factory's commands and options."
        ),
    },
}

_SENTENCES = frozenset({"Failure", "Unreachable"})
"""Errors of the provider for this machine whose message is written for people; named, so that nothing is imported."""


@click.group(cls=lazy_group(SECTIONS), context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, prog_name="factory")
def factory(debug: bool) -> None:
    """Run machine learning as a factory.

    \b
    factory new churn --data sample:breast-cancer    a working repo
    factory up dev --platform                        its environment on this machine
    """  # noqa: D301 (click reads the backspace as "keep these lines")
    del debug  # read from the arguments, wherever it stands


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command, print one line per failure, exit as documented (0, 1, 2, 3); KeyboardInterrupt for Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    outer.forget_git(os.environ)
    sys.exit(lazy_commands.run(factory, given, "factory", _SENTENCES))
