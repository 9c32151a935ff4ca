"""One use case in one environment of an account, put together from its components."""

from __future__ import annotations

import math

import pulumi
from pydantic import ValidationError

from aifactory_runtime.contract import Manifest
from aifactory_runtime.contract import names as agreed
from infra.components.aws import contract as said
from infra.components.aws import rights, schedules
from infra.components.aws.access import Access
from infra.components.aws.alarms import Alarms
from infra.components.aws.audit import Audit
from infra.components.aws.budget import Budget
from infra.components.aws.dashboard import Dashboard
from infra.components.aws.endpoint import Endpoint
from infra.components.aws.events import Events
from infra.components.aws.notices import Notices
from infra.components.aws.outputs import PlatformOutputs
from infra.components.aws.pipeline import Pipelines
from infra.components.aws.queues import Queues
from infra.components.aws.resources import resources
from infra.components.aws.schedules import Schedules
from infra.components.aws.settings import UseCaseSettings, refusals
from infra.components.aws.studio import Studio
from infra.components.aws.workspace import Workspace
from infra.components.contract import contract, export, manifest_values
from infra.conventions import tags
from infra.policies.manifest_rules import HomeFacts, violations


def build(config: pulumi.Config, manifest: Manifest, environment: str) -> None:
    """All of it, with every field of the environment contract exported; RunError says what may not be asked."""
    settings = _settings(config, manifest, environment)
    _refuse(settings)
    held = resources(settings)
    Audit("audit", settings, held)
    Workspace("workspace", settings, held)
    notices, queues = Notices("notices", settings), Queues("queues", settings)
    access = Access("access", settings, held)
    job = access.arn(rights.JOB)
    pipelines = Pipelines("pipeline", settings, job)
    endpoint = Endpoint("endpoint", settings) if settings.has_endpoint else None
    dashboard = Dashboard("dashboard", settings)
    if settings.manifest.settings(environment).budget_month:
        Budget("budget", settings, notices)
    if settings.retired is None:
        _at_work(settings, notices, queues, pipelines, access)
    values = contract(
        {
            **said.values(
                settings, job, access.arn(agreed.SERVICE), endpoint.address if endpoint else None, dashboard.address
            ),
            **manifest_values(settings),
        }
    )
    export(values)


def _at_work(settings: UseCaseSettings, notices: Notices, queues: Queues, pipelines: Pipelines, access: Access) -> None:
    """What starts something or bills while nobody works: a retired use case has none of it."""
    starts = access.arn(rights.EVENTS)
    Events("events", settings, notices=notices, queues=queues, pipelines=pipelines, role=starts)
    Schedules("schedules", settings, pipelines=pipelines, queues=queues, role=starts)
    Alarms("alarms", settings, notices, queues)
    if settings.platform.domain_id is not None:
        Studio("studio", settings, settings.platform.domain_id, access.arn(agreed.DATA_SCIENTIST))


def _settings(config: pulumi.Config, manifest: Manifest, environment: str) -> UseCaseSettings:
    beside = {key: said for key in ("earlier", "later") if (said := config.get(key)) is not None}
    try:
        return UseCaseSettings.model_validate(
            {
                "manifest": manifest,
                "environment": environment,
                "today": config.require("today"),
                "retired": config.get("retired"),
                "platform": PlatformOutputs.model_validate_json(config.require("platform")),
                "tags": tags.of_use_case(manifest, environment),
                "subjects": config.get_object("subjects") or {},
                **{key: PlatformOutputs.model_validate_json(said) for key, said in beside.items()},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join((error.title, *map(str, first["loc"])))
        raise pulumi.RunError(f"{where}: {first['msg']}: run factory up --platform, then again") from None


def _refuse(settings: UseCaseSettings) -> None:
    """Stop before anything is made."""
    facts = HomeFacts(today=settings.today, disk_gb=math.inf)
    broken = [*map(str, violations(settings.manifest, settings.environment, facts)), *refusals(settings)]
    try:
        schedules.planned(settings)
    except ValueError as error:
        broken.append(str(error))
    if broken:
        raise pulumi.RunError("; ".join(broken))
