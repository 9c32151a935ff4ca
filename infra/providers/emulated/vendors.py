"""The table of vendors; a vendor's module is imported when its plugin is stood in for."""

from __future__ import annotations

import importlib
from typing import cast

from infra.providers.emulated.vendor import Vendor

VENDORS = {"aws-native": "aws"}
"""Name of a provider plugin to the package beside this module that stands in for it."""


def load(name: str) -> Vendor:
    """The vendor of a plugin; KeyError when there is none."""
    module = importlib.import_module(f"infra.providers.emulated.{VENDORS[name]}.cloud")
    return cast("Vendor", module.Cloud())
