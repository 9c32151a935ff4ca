"""What every kind of resource on this machine can do; the plugin knows kinds only through this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

Values = dict[str, Any]


class Kind(ABC):
    """One kind of resource. State is the inputs as applied, plus what was made or observed.

    All methods may raise Failure. They run in threads, several at once.
    """

    inputs: ClassVar[frozenset[str]]
    """Names of the inputs; a change of any is a change of the resource."""
    replaced_by: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change makes it another resource."""
    made: ClassVar[frozenset[str]] = frozenset()
    """Outputs that only exist after create."""
    secret: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are encrypted in the state."""

    def check(self, inputs: Values) -> Mapping[str, str]:
        """Input name to what is wrong with it. Inputs may hold values that are not known yet."""
        del inputs
        return {}

    def desired(self, inputs: Values) -> Values:
        """What `read` observes when all is well; any other observation is drift."""
        del inputs
        return {}

    @abstractmethod
    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make it, or adopt it when it is there: its id and its state."""

    @abstractmethod
    def read(self, state: Values) -> Values | None:
        """The state as it is now; None when it is gone."""

    @abstractmethod
    def update(self, state: Values, inputs: Values) -> Values:
        """Bring it from `state` to `inputs`, repairing what was observed; the new state."""

    @abstractmethod
    def delete(self, state: Values) -> None:
        """Take it away; silent when it is gone already."""

    def foreseen(self, state: Values, inputs: Values) -> Values:
        """State after an update that is only being previewed."""
        return {**{key: value for key, value in state.items() if key not in self.inputs}, **inputs}
