"""Pages of a use case on AWS: the console's, and MLflow's by an address that logs in for a few minutes."""

from __future__ import annotations

from urllib.parse import quote

from aifactory.provision.plan import Place
from aifactory.status.addresses import Address
from aifactory.targets.on_aws import environments
from aifactory_runtime.aws import errors, signed
from aifactory_runtime.aws.session import Session
from aifactory_runtime.contract import names
from aifactory_runtime.errors import UsageProblem

_MINUTES = 5
_LOGIN = "your login to AWS's console"
_PAGES = ("dashboard", "mlflow")


def of(place: Place, page: str | None, where: str | None) -> list[Address]:
    """The page that is meant, in the environment `where`, else the last one applied; without a page all of them."""
    environment = None if where is None else where.rpartition(".")[2]
    if environment not in (None, *names.ENVIRONMENTS):
        raise UsageProblem(f"{environment} is not an environment; use one of {', '.join(names.ENVIRONMENTS)}")
    sessions = environments.known(place, (environment,) if environment else names.ENVIRONMENTS)
    if page is None:
        return [one for session in sessions for one in _console(session)]
    if page == "dashboard":
        return [_console(sessions[-1])[0]]
    if page == "mlflow":
        return [_mlflow(sessions[-1])]
    raise UsageProblem(f"factory open {page} has no meaning with target: aws; there are: {', '.join(_PAGES)}")


def _console(session: Session) -> list[Address]:
    contract, region = session.contract, session.region
    stack = names.stack(contract.use_case, contract.environment)
    console = f"https://{region}.console.aws.amazon.com"
    group = quote(quote(contract.logs_uri.removeprefix("cloudwatch:"), safe=""), safe="").replace("%", "$")
    found = [
        Address(
            f"dashboard {stack}",
            contract.dashboard_url or f"{console}/cloudwatch/home?region={region}#dashboards:",
            _LOGIN,
        ),
        Address(
            f"logs {stack}", f"{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}", _LOGIN
        ),
    ]
    if contract.endpoint_name and contract.serves:
        url = f"{console}/sagemaker/home?region={region}#/endpoints/{contract.endpoint_name}"
        found.append(Address(f"endpoint {stack}", url, _LOGIN))
    return [
        *found,
        Address(f"mlflow {stack}", f"factory open mlflow {contract.environment}", "made when it is asked for"),
    ]


def _mlflow(session: Session) -> Address:
    contract = session.contract
    app = signed.app(session)
    with errors.one_line(contract.environment):
        said = session.client("sagemaker").create_presigned_mlflow_app_url(Arn=app.arn, ExpiresInSeconds=_MINUTES * 60)
    login = f"none for {_MINUTES} minutes: whoever has the address is you"
    return Address("mlflow", str(said["AuthorizedUrl"]), login)
