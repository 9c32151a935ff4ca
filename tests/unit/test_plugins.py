"""Plugins of pytest that packages bring along: each process of a run imports them, so only those in use are loaded."""

from __future__ import annotations

import pytest

USED = {"hypothesis", "pytest-xdist"}


def test_given_a_run_of_tests_when_started_then_plugins_that_no_test_uses_are_not_loaded(
    pytestconfig: pytest.Config,
) -> None:
    loaded = {distribution.project_name for _, distribution in pytestconfig.pluginmanager.list_plugin_distinfo()}

    assert loaded == USED, (
        "for one that no test uses: -p no:NAME in pyproject.toml (schemathesis' took 1.2 s a process)"
    )
