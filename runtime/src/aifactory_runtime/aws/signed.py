"""MLflow's requests to an environment's app, signed with the caller's keys (SigV4) as AWS's own plugin signs them.

Requests to all apps of a region go to one host, and a header says which app is meant.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from requests import PreparedRequest
from requests.auth import AuthBase

from aifactory_runtime.aws.session import Session
from aifactory_runtime.contract import mlflow_app
from aifactory_runtime.errors import UsageProblem

SERVICE = "sagemaker-mlflow"
"""What AWS calls the service that is signed for."""
APP = "x-sm-mlflow-app-arn"
"""Header that says which app is meant."""
ENDPOINT = "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"
"""Variable with another address of the region's host, for a network without a way out; AWS's own plugin reads it."""


def app(session: Session) -> mlflow_app.App:
    """The app of an environment; UsageProblem when its contract does not name one."""
    contract = session.contract
    mend = f"factory outputs {contract.environment} --write"
    if contract.account is None:
        raise UsageProblem(f"{contract.environment} names no account: {mend}")
    try:
        found = mlflow_app.at(contract.tracking_uri, contract.account)
    except ValueError as error:
        raise UsageProblem(f"{error}: {mend}") from None
    return replace(found, host=os.environ.get(ENDPOINT) or found.host)


class Signature(AuthBase):
    """Signs each request as it is sent; keys that a role renews are read each time."""

    def __init__(self, session: Session, of: mlflow_app.App) -> None:
        self._session, self._app = session, of

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """The request with app, digest of the body and signature among its headers."""
        if request.url is None or request.method is None:
            raise ValueError("a request without an address cannot be signed")
        if request.method in {"GET", "DELETE"}:
            request.url = request.url.replace("+", "%20")  # a space, which a signature spells like this
        body = request.body or b""
        content = body if isinstance(body, bytes) else str(body).encode()
        named = {APP: self._app.arn, "X-Amz-Content-SHA256": hashlib.sha256(content).hexdigest()}
        signed = AWSRequest(request.method, request.url, headers=named, data=content)
        SigV4Auth(self._session.keys, SERVICE, self._app.region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


def host(session: Session) -> Any:
    """The app as MLflow's stores take it: an `MlflowHostCreds` whose requests are signed.

    MLflow finds what signs by a name, in a list that has a private name there, which only this function uses.
    """
    from mlflow.tracking.request_auth.registry import _request_auth_provider_registry as known
    from mlflow.utils.rest_utils import MlflowHostCreds

    found = app(session)
    signer = _Signer(f"{SERVICE} {found.arn} {sum(1 for _ in known)}", Signature(session, found))
    known.register(lambda: signer)
    return MlflowHostCreds(found.host, auth=signer.name)


@dataclass(frozen=True)
class _Signer:
    """What MLflow asks for a signature."""

    name: str
    auth: Signature

    def get_name(self) -> str:
        return self.name

    def get_auth(self) -> Signature:
        return self.auth
