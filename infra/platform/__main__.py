"""Program of the platform on one target: what all environments share, or what the use cases of one share."""

from __future__ import annotations

import pulumi

from infra import targets
from infra.conventions import names


def main() -> None:
    """Read the settings and build what the stack is for."""
    config = pulumi.Config()
    environment = config.require("environment")
    if environment not in names.PLATFORM_STACKS:
        raise pulumi.RunError(f"environment: {environment} is none of {', '.join(names.PLATFORM_STACKS)}")
    try:
        target = targets.target(config.get("target") or "local")
    except ValueError as error:
        raise pulumi.RunError(str(error)) from None
    if environment == names.SHARED:
        target.shared(config)
    else:
        target.ground(config, environment)


main()
