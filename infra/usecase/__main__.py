"""Program of a use case in one environment, on the target that its manifest names."""

from __future__ import annotations

import pulumi
from pydantic import ValidationError

from aifactory_runtime.contract import Manifest, names
from infra import targets


def main() -> None:
    """Read the settings and build the use case."""
    config = pulumi.Config()
    environment = config.require("environment")
    if environment not in names.ENVIRONMENTS:
        raise pulumi.RunError(f"environment: {environment} is none of {', '.join(names.ENVIRONMENTS)}")
    try:
        manifest = Manifest.model_validate_json(config.require("manifest"))
    except ValidationError as error:
        first = error.errors()[0]
        raise pulumi.RunError(f"{'.'.join(map(str, ('manifest', *first['loc'])))}: {first['msg']}") from None
    targets.target(manifest.target).use_case(config, manifest, environment)


main()
