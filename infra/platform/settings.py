"""`platform.yaml` in a company's factory repo: what each environment of the platform runs on.

The JSON Schema beside this file is published for editors: `python -m infra.platform.settings` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from aifactory_runtime.contract import names
from infra.conventions import forges, regions

SCHEMA = Path(__file__).with_name("platform.v1.json")

LOG_DAYS = (30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What the vendor keeps logs for, from a month on."""
CLASSIFICATIONS = ("public", "internal", "confidential", "restricted")
PRIVATE_FROM = "confidential"


def _quoted(value: object) -> object:
    if isinstance(value, int):
        raise ValueError('write the account in quotes, or its leading zeros are lost: "123456789012"')
    return value


Account = Annotated[str, BeforeValidator(_quoted), StringConstraints(pattern=r"^\d{12}$")]
Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Organisation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[a-f]$")]


class _Part(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ids(_Part):
    """Of owner and repo at GitHub: `gh api repos/OWNER/NAME`, `owner.id` and `id`."""

    owner: int
    repo: int


class Identity(_Part):
    """Where those who act come from: jobs of a forge, without a stored key."""

    forge: forges.Forge
    organization: Organisation
    """Owner of the repos: the organisation at GitHub or Azure DevOps, the top group at GitLab."""
    repository: Organisation
    """Repo of this file, whose jobs apply the platform; at Azure DevOps `project/repo`."""
    ids: Ids | None = None
    """Numbers that GitHub puts into tokens of repos made, renamed or moved since 15 July 2026."""
    host: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+\.[a-z]+$")] | None = None
    """Host of a GitLab of the company's own; none is gitlab.com."""
    tenant: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] | None = None
    """Id of the organisation at Azure DevOps, which its tokens are issued for."""

    @model_validator(mode="after")
    def _only_where_it_means_something(self) -> Self:
        if self.host is not None and self.forge != "gitlab":
            raise ValueError(f"host is for a GitLab of your own; remove it for forge: {self.forge}")
        if self.ids is not None and self.forge != "github":
            raise ValueError(f"ids are of GitHub; remove them for forge: {self.forge}")
        if (self.tenant is None) == (self.forge == "azure-devops"):
            missing = "write the organisation's id as tenant" if self.tenant is None else "remove tenant"
            raise ValueError(f"{missing} for forge: {self.forge}")
        self.subject("dev", reads=False)
        return self

    @property
    def issuer(self) -> str:
        """Host and path of who signs the forge's tokens, without https://."""
        if self.forge == "github":
            return forges.GITHUB
        if self.forge == "gitlab":
            return self.host or "gitlab.com"
        return f"{forges.AZURE_DEVOPS}/{self.tenant}"

    def subject(self, environment: str, *, reads: bool) -> str:
        """By which subject the forge's tokens name jobs of the factory repo in an environment of the forge."""
        ids = None if self.ids is None else forges.Ids(self.ids.owner, self.ids.repo)
        repo = f"{self.organization}/{self.repository}"
        return forges.expected(self.forge, repo, environment, reads=reads, ids=ids)[-1].text


class Site(_Part):
    """What one environment, or what all share, runs on."""

    target: names.Target = "local"
    account: Account | None = None
    """Number of the account, in quotes: twelve digits."""
    region: str | None = None
    network: Literal["public", "private"] = "public"
    """`private`: no way out, and the vendor's services by endpoints inside; these bill by the hour."""
    data_classification: Literal["public", "internal", "confidential", "restricted"] = "internal"
    """The highest that use cases there may have; from confidential on the network has to be private."""
    address_range: Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){2}\.0/(1[6-9]|2[0-2])$")] = (
        "10.80.0.0/20"
    )
    """Of the private network; from /16 to /22."""
    zones: Annotated[tuple[Zone, ...], Field(min_length=2, max_length=6)] = ("a", "b")
    """Letters of the availability zones, at least two, in which the network has subnets; some accounts lack one."""
    endpoints: tuple[str, ...] = ()
    """Names of further services that the private network reaches: com.amazonaws.eu-west-1.secretsmanager."""
    data_accounts: tuple[Account, ...] = ()
    """Accounts whose buckets the private network reaches, beside its own and that of what all share."""
    budget_month: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """USD a month for what the platform itself makes there."""
    log_days: int = 90
    notices: tuple[Mail, ...] = ()
    """Who is told of failures, and of the budget at 50, 80 and 100 %."""

    @field_validator("region")
    @classmethod
    def _is_there(cls, value: str | None) -> str | None:
        if value is not None and value not in regions.AWS:
            raise ValueError(f"{value} is none of {', '.join(regions.AWS)}")
        return value

    @field_validator("log_days")
    @classmethod
    def _kept_for(cls, value: int) -> int:
        if value not in LOG_DAYS:
            raise ValueError(f"{value} is none of {', '.join(map(str, LOG_DAYS))}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.target == "local":
            given = sorted(self.model_fields_set - {"target"})
            if given:
                raise ValueError(f"target: local takes no {', '.join(given)}; remove it, or write target: aws")
            return self
        missing = [key for key in ("account", "region", "budget_month") if getattr(self, key) is None]
        if missing:
            raise ValueError(f"target: {self.target} needs {', '.join(missing)}")
        if self.network == "public" and self.data_classification in CLASSIFICATIONS[2:]:
            raise ValueError(f"data_classification: {self.data_classification} needs network: private")
        return self


class Entry(_Part):
    """What a stack of the platform gets as its setting `platform`."""

    site: Site
    issuer: str
    """Who signs the tokens of the forge."""
    shared_account: Account
    shared_region: str
    accounts: tuple[Account, ...]
    """Of all environments, that of what they share first."""


class PlatformSettings(_Part):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    identity: Identity | None = None
    """Needed where a target is a cloud."""
    shared: Site = Site()
    """What all environments share: images and the engine's state."""
    environments: Mapping[Literal["dev", "staging", "prod"], Site] = Field(min_length=1)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        clouds = {name for name, site in self.environments.items() if site.target != "local"}
        if clouds and self.identity is None:
            raise ValueError(f"identity is missing: {', '.join(sorted(clouds))} let in a forge's jobs")
        targets = {self.environments[name].target for name in clouds}
        if clouds and self.shared.target not in targets:
            raise ValueError(f"shared: write target: {', '.join(sorted(targets))}, as in environments")
        if not clouds and self.shared.target != "local":
            raise ValueError(f"shared: target: {self.shared.target} is that of no environment")
        for name, site in self.environments.items():
            if site.target != "local" and site.region != self.shared.region:
                raise ValueError(
                    f"environments.{name}.region: images are taken from an environment's own region, and they lie in "
                    f"that of shared; write {self.shared.region}"
                )
        return self

    @property
    def in_cloud(self) -> tuple[str, ...]:
        """Environments that are not of this machine."""
        return tuple(name for name in names.ENVIRONMENTS if self.site(name).target != names.LOCAL)

    def site(self, stack: str) -> Site:
        """Entry of a stack: shared, or an environment; one that the file leaves out is of this machine."""
        entries: dict[str, Site] = {
            "shared": self.shared,
            **{str(name): site for name, site in self.environments.items()},
        }
        return entries.get(stack, Site())

    def entry(self, stack: str) -> Entry:
        """What the program of a stack in a cloud is told."""
        if self.identity is None or self.shared.account is None or self.shared.region is None:
            raise ValueError(f"{stack} is not in a cloud")
        return Entry(
            site=self.site(stack),
            issuer=self.identity.issuer,
            shared_account=self.shared.account,
            shared_region=self.shared.region,
            accounts=self.accounts,
        )

    @property
    def accounts(self) -> tuple[str, ...]:
        """Numbers of all accounts, that of what is shared first."""
        found = [site.account for site in (self.shared, *self.environments.values()) if site.account]
        return tuple(dict.fromkeys(found))


def schema() -> str:
    """JSON Schema of the file, as it is published."""
    found: dict[str, Any] = PlatformSettings.model_json_schema(by_alias=True)
    site = found["$defs"]["Site"]["properties"]
    site["region"] = {"enum": [*regions.AWS], "title": "Region"}
    site["log_days"]["enum"] = [*LOG_DAYS]
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
