"""How a use case stands on AWS: released, served, registered, run last, and which alarms are on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from aifactory.provision.plan import Place
from aifactory.targets.on_aws import environments
from aifactory.targets.report import Report, Table
from aifactory_runtime.aws.session import Session


@dataclass(frozen=True)
class Standing:
    """One environment, as words."""

    use_case: str
    environment: str
    released: str
    endpoint: str
    registered: str
    last_run: str
    alarms: str
    address: str


def report(place: Place) -> Report:
    """A row for each environment that was applied."""
    try:
        rows = [_standing(session) for session in environments.known(place)]
    except environments.NothingApplied as nothing:
        return Report([], {"serving": [], "notes": []}, (), str(nothing))
    columns = ("use case", "environment", "released", "endpoint", "registered", "last run", "alarms", "address")
    table = Table("Use cases on AWS", columns, [tuple(asdict(row).values()) for row in rows])
    notes = [f"{row.environment}: {row.alarms} is on: factory open shows the dashboard" for row in rows if row.alarms]
    return Report([table], {"serving": [asdict(row) for row in rows], "notes": notes}, notes)


def _standing(session: Session) -> Standing:
    contract = session.contract
    return Standing(
        contract.use_case,
        contract.environment,
        _released(session) or "nothing yet",
        _endpoint(session),
        _registered(session) or "none",
        _last_run(session) or "none",
        _alarms(session),
        contract.endpoint_url or "",
    )


def _released(session: Session) -> str:
    """Version in serving.json of the environment's bucket."""
    place = urlsplit(session.contract.release_uri)
    key = f"{place.path.strip('/')}/serving.json"
    found = environments.asked(session, lambda: session.client("s3").get_object(Bucket=place.netloc, Key=key))
    try:
        return "" if found is None else str(json.loads(found["Body"].read())["champion"]["version"])
    except (ValueError, LookupError, TypeError):
        return "unknown"


def _endpoint(session: Session) -> str:
    name = session.contract.endpoint_name
    if name is None or not session.contract.serves:
        return "none"
    found = environments.asked(session, lambda: session.client("sagemaker").describe_endpoint(EndpointName=name))
    return "not there yet" if found is None else str(found["EndpointStatus"])


def _registered(session: Session) -> str:
    """Newest version, and what was said of it."""
    found: dict[str, Any] | None = environments.asked(
        session,
        lambda: session.client("sagemaker").list_model_packages(
            ModelPackageGroupName=session.contract.model_name,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        ),
    )
    newest = (found or {}).get("ModelPackageSummaryList") or []
    return f"{newest[0]['ModelPackageVersion']}, {newest[0].get('ModelApprovalStatus', 'unsaid')}" if newest else ""


def _last_run(session: Session) -> str:
    name = session.contract.pipeline_name
    if name is None:
        return ""
    found: dict[str, Any] | None = environments.asked(
        session,
        lambda: session.client("sagemaker").list_pipeline_executions(
            PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        ),
    )
    newest = (found or {}).get("PipelineExecutionSummaries") or []
    return f"{newest[0]['PipelineExecutionStatus']} {newest[0]['StartTime']:%Y-%m-%d %H:%M}" if newest else ""


def _alarms(session: Session) -> str:
    """Names of those that are on."""
    first = session.contract.endpoint_name or session.contract.pipeline_name
    if first is None:
        return ""
    found = environments.asked(
        session,
        lambda: session.client("cloudwatch").describe_alarms(AlarmNamePrefix=first, StateValue="ALARM"),
    )
    return ", ".join(one["AlarmName"] for one in (found or {}).get("MetricAlarms", []))
