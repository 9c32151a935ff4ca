"""The contracts as published JSON Schemas, a file per version; run as a module it writes them."""

from __future__ import annotations

import json
from pathlib import Path

from aifactory_runtime.contract import ENVIRONMENT_VERSION, MANIFEST_VERSION, EnvironmentContract, Manifest

FOLDER = Path(__file__).parent


def schemas() -> dict[str, str]:
    """File name and text of each schema."""
    published = {
        f"manifest.v{MANIFEST_VERSION}.json": Manifest.model_json_schema(by_alias=True),
        f"environment.v{ENVIRONMENT_VERSION}.json": EnvironmentContract.model_json_schema(),
    }
    return {name: json.dumps(content, indent=1, sort_keys=True) + "\n" for name, content in published.items()}


def main() -> None:
    """Write the schemas beside this module."""
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
