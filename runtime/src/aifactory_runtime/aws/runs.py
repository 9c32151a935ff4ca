"""Runs in an environment's MLflow app: the MLflow port with signed requests; files of runs lie in the app's bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow.exceptions import MlflowException
from mlflow.store.tracking.rest_store import RestStore

from aifactory_runtime.aws import errors, signed
from aifactory_runtime.aws.session import Session
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import mlflow_errors
from aifactory_runtime.registry.mlflow_runs import Runs

_MEND = mlflow_errors.Mend(
    silent="see the app in SageMaker, and the network's way to it, then do this again",
    refused="log in as who may, or have the right given (docs/access.md)",
)
_THERE = "RESOURCE_ALREADY_EXISTS"


class BucketFiles:
    """Files of runs, in the bucket that the app names: read and written under the caller's own rights."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def today(self, address: str) -> str:
        """The bucket keeps its name."""
        return address

    def put(self, address: str, content: bytes) -> None:
        """Write one file, whole."""
        folder, _, name = address.rpartition("/")
        self._session.store(folder).put(name, content)

    def get_folder(self, address: str, folder: Path) -> None:
        """Copy what lies below `address` to `folder`."""
        self._session.store(address).download("", folder)


class SignedRuns(Runs):
    """The part of `registry.port.Registry` that is about runs, in an MLflow app.

    Rights are per app: whoever may write runs of one use case there may write all of them, so nothing that a release
    goes by is read from here.
    """

    def __init__(self, session: Session) -> None:
        host = signed.host(session)
        super().__init__(
            session.contract,
            runs=RestStore(lambda: host),
            files=BucketFiles(session),
            user=session.identity.name,
            create=True,
        )

    def make_experiment(self, name: str) -> str:
        """Make an experiment where the app keeps its files; of two that make it at once, the first one's counts."""
        try:
            return str(self._runs.create_experiment(name, None, []))
        except MlflowException as error:
            found = self._runs.get_experiment_by_name(name) if error.error_code == _THERE else None
            if found is None:
                raise
            return str(found.experiment_id)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Errors of MLflow, and of AWS before it, become one line."""
        with mlflow_errors.one_line(self._contract.tracking_uri, _MEND):
            try:
                yield
            except MlflowException as error:
                if isinstance(error.__context__, FactoryError):  # the keys could not be had
                    raise error.__context__ from None
                mine = errors.of_text(str(error.message), "MLflow", self._contract.environment)
                if mine is not None:
                    raise mine from None
                raise
