"""What an account in AWS needs before anything else: made with state in the home, which then moves into the account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory.home import Home
from aifactory.provision import engine, platform_file, stacks, state_move
from aifactory.provision.run import Result, run
from aifactory.provision.stacks import Stack
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from infra.platform.settings import PlatformSettings

Say = Callable[[str], None]
TARGET = "aws"


@dataclass(frozen=True)
class Bootstrapped:
    """An account that is ready: what was changed in it, and where the engine's state of everything lies."""

    account: str
    region: str
    changed: list[str]
    backend: str
    roles: dict[str, str]


@dataclass(frozen=True)
class Standing:
    """What an account has already, as whoever is logged in sees it."""

    account: str
    providers: tuple[str, ...]
    """Addresses of providers of identities."""


def bootstrap(folder: Path, home: Home, say: Say) -> Bootstrapped:
    """Make or mend what the account needs that one is logged in to; UsageProblem and FactoryError in one line.

    Running it again is the way on after any interruption: the state is in the home until it is whole in the account.
    """
    found = platform_file.find(folder)
    if found is None:
        raise UsageProblem(f"{platform_file.FILE} is missing: run this in the company's factory repo (docs/aws.md)")
    settings = platform_file.load(found)
    if not settings.in_cloud:
        raise UsageProblem(f"{found}: no environment has target: {TARGET}, so there is nothing to do")
    standing = look()
    if standing.account not in settings.accounts:
        raise FactoryError(
            f"you are logged in to account {standing.account}, which {found} does not name; "
            f"log in to {' or '.join(settings.accounts)}"
        )
    engine.ensure(say)
    made = stack(settings, standing)
    moved = state_move.lies_there(made, home)
    if not moved:
        say(f"{made.name}: the state is in the home until the account has a place for it")
    here = made if moved else _in_home(made)
    result = run("up", here, home, say)
    if not moved:
        state_move.move(here, made, home, say)
        _unchanged(run("preview", made, home, say))
    return Bootstrapped(
        standing.account, _region(settings, standing.account), result.changed, made.backend, result.outputs["roles"]
    )


def stack(settings: PlatformSettings, standing: Standing) -> Stack:
    """The account's first stack, with its state where it lies in the end."""
    from infra.components.aws.platform import naming
    from infra.conventions import forges

    account, identity = standing.account, settings.identity
    if identity is None:
        raise ValueError("platform.yaml has no identity")
    region = _region(settings, account)
    own = [name for name in settings.in_cloud if settings.site(name).account == account]
    environments = own or settings.in_cloud  # an account of what is shared alone: every environment's jobs apply it
    provider = naming.provider_arn(account, identity.issuer)
    content: dict[str, Any] = {
        "account": account,
        "region": region,
        "accounts": settings.accounts,
        "issuer": identity.issuer,
        "audience": forges.audience(identity.issuer),
        "subjects": {
            role: [identity.subject(name, reads=role == "reads") for name in environments]
            for role in ("reads", "applies")
        },
        "makes_provider": provider not in standing.providers,
    }
    return stacks.cloud_account(account, region, content)


def look() -> Standing:
    """Ask the account who is logged in, and which providers it has that are not the factory's."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise FactoryError("what speaks to AWS is not installed: pip install 'aifactory[aws]'") from None
    try:
        account = boto3.client("sts", region_name="us-east-1").get_caller_identity()["Account"]
        iam = boto3.client("iam", region_name="us-east-1")
        listed = [one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
        tagged = {arn: iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] for arn in listed}
    except (BotoCoreError, ClientError) as error:
        raise FactoryError(f"AWS does not answer to this login: {error}; log in with aws sso login") from None
    own = {"Key": "managed_by", "Value": "aifactory"}
    return Standing(account, tuple(arn for arn, tags in tagged.items() if own not in tags))


def _region(settings: PlatformSettings, account: str) -> str:
    """Region of the first entry with the account: that of its bucket and key."""
    sites = (settings.shared, *settings.environments.values())
    return next(str(site.region) for site in sites if site.account == account)


def _in_home(made: Stack) -> Stack:
    return Stack(made.name, made.project, made.environment, made.configuration, made.provider)


def _unchanged(result: Result) -> None:
    if not result.same:
        raise FactoryError(
            f"the state in {result.stack} does not describe the account: {', '.join(result.changed)}; "
            "run factory bootstrap aws again"
        )
