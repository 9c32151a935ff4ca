"""The programs of AWS: what an account's use cases share, those of one environment, a use case in one environment.

The vendor's classes are imported by the parts, when one of these is called.
"""

from __future__ import annotations

import pulumi

from aifactory_runtime.contract import Manifest


def shared(config: pulumi.Config) -> None:
    """Images, and the key they are encrypted with; RunError when the stack's entry of platform.yaml is not valid."""
    from infra.components.aws.platform import build

    build.shared(build.entry(config))


def ground(config: pulumi.Config, environment: str) -> None:
    """Key, boundary, MLflow app, trail, network, domain; its outputs are those of `outputs.PlatformOutputs`."""
    from infra.components.aws.platform import build

    build.ground(build.entry(config), environment)


def use_case(config: pulumi.Config, manifest: Manifest, environment: str) -> None:
    """A use case in one environment, with its contract; RunError when it asks what is not given."""
    from infra.components.aws import use_case as one

    one.build(config, manifest, environment)
