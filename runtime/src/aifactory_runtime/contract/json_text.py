"""A value of the contract that is a list or a mapping: environment variables and dotenv files have it as JSON text."""

from __future__ import annotations

import json

from pydantic import BeforeValidator


def parsed(example: str) -> BeforeValidator:
    """Accept the text, too; what is no JSON is refused with `example` as what to write."""

    def parse(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f"write JSON: {example}") from None

    return BeforeValidator(parse)
