"""Who works on a use case, as the manifest says it: persona to logins, each for some environments and until a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from aifactory_runtime.contract import names

Person = Annotated[str, AfterValidator(names.check_person)]


class Member(BaseModel):
    """A person in a persona: a bare login, or `{login: ana, until: 2027-01-31, environments: [dev, prod]}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: Person
    until: date | None = None
    """The last day (UTC) of their rights; none means as long as they are listed."""
    environments: Annotated[tuple[Literal["dev", "staging", "prod"], ...] | None, Field(min_length=1)] = None
    """Where they have the persona's rights; none means wherever the persona has standing rights."""


def _login_alone(value: object) -> object:
    return {"login": value} if isinstance(value, str) else value


def _no_overlap(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """A person may be there once without environments and once for each environment: which day ends what is plain."""
    seen: set[tuple[str, str | None]] = set()
    for member in members:
        for environment in member.environments or (None,):
            if (member.login, environment) in seen:
                where = f" for {environment}" if environment else ""
                raise ValueError(f"{member.login} is named twice{where}; write one entry")
            seen.add((member.login, environment))
    return members


Members = Annotated[
    tuple[Annotated[Member, BeforeValidator(_login_alone, json_schema_input_type=Member | str)], ...],
    AfterValidator(_no_overlap),
]
People = Annotated[
    dict[names.Persona, Members],
    BeforeValidator(lambda value: {} if value is None else value),
    Field(default_factory=dict),
]
"""A heading with nothing under it is nobody."""
