"""Program of an account's first stack, on the target that its settings name."""

from __future__ import annotations

import importlib

import pulumi

from aifactory_runtime.contract import names


def main() -> None:
    """Read the settings and build what the account needs."""
    config = pulumi.Config()
    target = config.require("target")
    if target == names.LOCAL or target not in names.TARGETS:
        clouds = [name for name in names.TARGETS if name != names.LOCAL]
        raise pulumi.RunError(f"target: {target} needs no bootstrap; it is for {', '.join(clouds)}")
    importlib.import_module(f"infra.components.{target}.platform.account").build(config)


main()
