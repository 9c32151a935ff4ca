"""Lines that a use case's jobs and endpoint wrote to CloudWatch, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from aifactory.provision.plan import Place
from aifactory.status.logs import Line, Wanted
from aifactory.targets.on_aws import environments
from aifactory_runtime.aws.session import Session
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

_SCHEME = "cloudwatch:"
_LOOK_SECONDS = 2.0
_LATE_MILLISECONDS = 10_000
"""A line may be there only so long after its time: what follows looks back, and shows no line twice."""
_DAY_MILLISECONDS = 86_400_000
_STREAMS = 5
"""Newest streams of a group whose last lines are shown."""


@dataclass(frozen=True)
class _Group:
    session: Session
    name: str

    @property
    def title(self) -> str:
        contract = self.session.contract
        return f"{names.stack(contract.use_case, contract.environment)} {self.name}"


def lines(place: Place, wanted: Wanted, count: int, *, follow: bool) -> Iterator[Line]:
    """The last `count` lines of each stream that wrote last, and with `follow` those that are added."""
    if place.manifest is None or wanted.name not in (None, place.manifest.use_case):
        raise UsageProblem(f"{wanted.name} is not the use case of this repo: run this inside its repo")
    if wanted.environment not in (None, *names.ENVIRONMENTS):
        raise UsageProblem(f"{wanted.environment} is not an environment; use one of {', '.join(names.ENVIRONMENTS)}")
    meant = (wanted.environment,) if wanted.environment else names.ENVIRONMENTS
    groups = [group for session in environments.known(place, meant) for group in _groups(session)]
    since = int(time.time() * 1000)
    last = [line for group in groups for line in _last(group, count)]
    if not last and not follow:
        raise FactoryError(f"nothing of {place.manifest.use_case} has written a log yet; factory status says what runs")
    return _shown(groups, last, since, follow=follow)


def _shown(groups: list[_Group], last: list[Line], since: int, *, follow: bool) -> Iterator[Line]:
    yield from last
    seen: dict[str, int] = {}
    while follow:
        for group in groups:
            for event in _events(group, since - _LATE_MILLISECONDS):
                if event["eventId"] not in seen and event["timestamp"] >= since - _LATE_MILLISECONDS:
                    seen[event["eventId"]] = event["timestamp"]
                    if event["timestamp"] >= since:
                        yield Line(f"{group.title} {event['logStreamName']}", event["message"].rstrip("\n"))
        time.sleep(_LOOK_SECONDS)
        since = max([since, *(seen[one] for one in seen)]) if seen else since
        seen = {one: at for one, at in seen.items() if at >= since - _LATE_MILLISECONDS}


def _groups(session: Session) -> list[_Group]:
    """The environment's own group and, where there is an endpoint, SageMaker's of it."""
    contract = session.contract
    own = contract.logs_uri.removeprefix(_SCHEME)
    served = [f"/aws/sagemaker/Endpoints/{contract.endpoint_name}"] if contract.endpoint_name else []
    return [_Group(session, name) for name in (own, *served)]


def _last(group: _Group, count: int) -> list[Line]:
    client = group.session.client("logs")
    found = environments.asked(
        group.session,
        lambda: client.describe_log_streams(
            logGroupName=group.name, orderBy="LastEventTime", descending=True, limit=_STREAMS
        ),
    )
    lines = []
    for stream in reversed((found or {}).get("logStreams", [])):
        name = stream["logStreamName"]
        asked = partial(
            client.get_log_events, logGroupName=group.name, logStreamName=name, limit=max(count, 1), startFromHead=False
        )
        said = environments.asked(group.session, asked)
        events = (said or {}).get("events", [])[-count:] if count else []
        lines += [Line(f"{group.title} {name}", event["message"].rstrip("\n")) for event in events]
    return lines


def _events(group: _Group, since: int) -> list[dict[str, Any]]:
    """Events from `since` on, milliseconds; empty while there is no such group."""

    def asked() -> list[dict[str, Any]]:
        pages = group.session.client("logs").get_paginator("filter_log_events")
        return [event for page in pages.paginate(logGroupName=group.name, startTime=since) for event in page["events"]]

    return environments.asked(group.session, asked) or []
