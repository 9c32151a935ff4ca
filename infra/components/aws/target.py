"""The programs of AWS: what an account's use cases share, those of one environment, a use case in one environment.

The vendor's classes are imported by the parts, when one of these is called.
"""

from __future__ import annotations

import pulumi

from aifactory_runtime.contract import Manifest


def shared(config: pulumi.Config) -> None:
    """What all environments share; nothing is made of it yet."""
    raise pulumi.RunError(f"{config.require('environment')}: the platform on AWS is not built yet; write target: local")


def ground(config: pulumi.Config, environment: str) -> None:
    """What the use cases of one environment share; nothing is made of it yet."""
    del config
    raise pulumi.RunError(f"{environment}: the platform on AWS is not built yet; write target: local")


def use_case(config: pulumi.Config, manifest: Manifest, environment: str) -> None:
    """A use case in one environment; nothing is made of it yet."""
    del config
    raise pulumi.RunError(
        f"{manifest.use_case}.{environment}: use cases on AWS are not built yet; write target: local in factory.yaml"
    )
