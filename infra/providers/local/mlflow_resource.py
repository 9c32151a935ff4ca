"""What resources at MLflow have in common: with the server down they keep the last known state."""

from __future__ import annotations

from abc import abstractmethod

from infra.providers.local import layout
from infra.providers.local.failure import Unreachable
from infra.providers.local.kind import Kind, Values
from infra.providers.local.mlflow_client import NotThere


class Tracked(Kind):
    """A resource that lives in the tracking server's database."""

    @abstractmethod
    def look(self, state: Values) -> Values | None:
        """The state as the server has it; None or NotThere when it has none."""

    @abstractmethod
    def remove(self, state: Values) -> None:
        """Take it away; NotThere when it is gone."""

    def read(self, state: Values) -> Values | None:
        """As the server has it. A server that is down must not stop the refresh that would show and repair it."""
        try:
            return self.look(state)
        except NotThere:
            return None
        except Unreachable:
            return state

    def delete(self, state: Values) -> None:
        """Take it away; done already when the server's database is."""
        try:
            self.remove(state)
        except NotThere:
            return
        except Unreachable:
            if (layout.tracking(state["home"]) / "mlflow.db").exists():
                raise
