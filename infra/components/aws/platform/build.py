"""The platform on AWS: what all environments share, and what the use cases of one environment share."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pydantic import ValidationError

from infra.components.aws.platform import naming
from infra.components.aws.platform.boundary import Boundary
from infra.components.aws.platform.budget import Budget
from infra.components.aws.platform.images import Images
from infra.components.aws.platform.key import Key
from infra.components.aws.platform.logs import Logs
from infra.components.aws.platform.network import Network
from infra.components.aws.platform.notices import Notices
from infra.components.aws.platform.studio import Studio
from infra.components.aws.platform.tracking import Tracking
from infra.components.aws.platform.trail import Trail
from infra.conventions import names, tags
from infra.platform.settings import Entry

Outputs = Mapping[str, object]


def entry(config: pulumi.Config) -> Entry:
    """The stack's entry of platform.yaml; RunError says what is wrong with it."""
    try:
        found = Entry.model_validate_json(config.require("platform"))
    except ValidationError as error:
        first = error.errors()[0]
        raise pulumi.RunError(f"{'.'.join(map(str, ('platform', *first['loc'])))}: {first['msg']}") from None
    if found.site.target != "aws":
        raise pulumi.RunError(f"platform.site.target: {found.site.target} is built by another program; write aws")
    return found


def shared(found: Entry) -> None:
    """Images of all use cases, the key they are encrypted with, and the budget of both."""
    site, carried = found.site, tags.of_platform(names.SHARED)
    account, region = str(site.account), str(site.region)
    key = Key(
        "key",
        alias=f"alias/{naming.named(names.SHARED, 'key')}",
        account=account,
        region=region,
        others=[one for one in found.accounts if one != account],
        tags=carried,
    )
    images = Images("images", account=account, key_arn=key.arn, accounts=found.accounts, tags=carried)
    notices = _notices(found, names.SHARED, key)
    _budget(found, names.SHARED, notices)
    _export(
        {"environment": names.SHARED, "account": account, "region": region, "repositoryUri": images.uri},
    )


def ground(found: Entry, environment: str) -> None:
    """What the use cases of an environment build on; the outputs are what they are told of it."""
    site, carried = found.site, tags.of_platform(environment)
    account, region = str(site.account), str(site.region)
    key = Key("key", alias=f"alias/{naming.named(environment, 'key')}", account=account, region=region, tags=carried)
    boundary = Boundary("boundary", environment=environment, account=account, region=region)
    Logs(
        "logs",
        group=f"/aifactory/platform/{environment}",
        days=site.log_days,
        key_arn=key.arn,
        tags=carried,
    )
    notices = _notices(found, environment, key)
    _budget(found, environment, notices)
    trail = Trail("trail", environment=environment, account=account, region=region, key_arn=key.arn, tags=carried)
    tracking = Tracking(
        "tracking",
        environment=environment,
        account=account,
        key_arn=key.arn,
        boundary_arn=boundary.arn,
        tags=carried,
    )
    network = _network(found, carried)
    studio = Studio(
        "studio",
        environment=environment,
        account=account,
        network=network,
        private=site.network == "private",
        key_arn=key.arn,
        boundary_arn=boundary.arn,
        tags=carried,
    )
    host = naming.registry_host(found.shared_account, found.shared_region)
    _export(
        {
            "version": 1,
            "environment": environment,
            "account": account,
            "region": region,
            "bucket": naming.platform_bucket(found.shared_account),
            "stateRegion": found.shared_region,
            "kmsKeyArn": key.arn,
            "repositoryUri": f"{host}/{naming.REPOSITORY}",
            "mlflowArn": tracking.arn,
            "mlflowUrl": tracking.address,
            "oidcProviderArn": naming.provider_arn(account, found.issuer),
            "boundaryArn": boundary.arn,
            "auditTrail": trail.trail_name,
            "topicArn": notices.arn,
            "domainId": studio.id,
            "vpc": _vpc(network) if site.network == "private" else None,
        }
    )


def _notices(found: Entry, environment: str, key: Key) -> Notices:
    return Notices(
        "notices",
        environment=environment,
        account=str(found.site.account),
        region=str(found.site.region),
        key_arn=key.arn,
        addresses=found.site.notices,
        tags=tags.of_platform(environment),
    )


def _budget(found: Entry, environment: str, notices: Notices) -> None:
    Budget(
        "budget",
        environment=environment,
        month=float(found.site.budget_month or 0.0),
        topic=notices.arn,
        tags=tags.of_platform(environment),
    )


def _network(found: Entry, carried: Mapping[str, str]) -> Network:
    site = found.site
    own = dict.fromkeys((str(site.account), found.shared_account, *site.data_accounts))
    return Network(
        "network",
        region=str(site.region),
        address_range=site.address_range,
        zones=site.zones,
        private=site.network == "private",
        accounts=[*own],
        more=site.endpoints,
        tags=carried,
    )


def _vpc(network: Network) -> Outputs:
    return {"id": network.id, "subnetIds": network.subnet_ids, "securityGroupIds": [network.work_group_id]}


def _export(outputs: Outputs) -> None:
    for key, value in outputs.items():
        pulumi.export(key, value)
