"""The failures people see: one line that says what is wrong and what to do, and an exit code."""

from __future__ import annotations


class FactoryError(Exception):
    """Something failed and the message says what to do about it. Exit code 1."""

    exit_code = 1


class ClusterLost(FactoryError):
    """The cluster that computed went away: nothing is wrong with the run, which goes on by the same command."""


class UsageProblem(FactoryError):
    """What was typed or configured is not valid. Exit code 2."""

    exit_code = 2


class NeedsPerson(FactoryError):
    """Nothing is broken, but a person has to act first: an approval, a conflict, drift. Exit code 3."""

    exit_code = 3
