"""What the plugin asks of a vendor's module; it knows clouds only through this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Values = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a provider works."""

    account: str
    region: str


class Kind(Protocol):
    """One resource type. Values have the names that the engine knows; what is not known yet may be among them."""

    @property
    def token(self) -> str:
        """Its name at the engine."""

    @property
    def made(self) -> Sequence[str]:
        """Outputs that only the cloud sets."""

    @property
    def soft_deleted(self) -> bool:
        """Whether its name stays taken after it was deleted."""

    def named(self, inputs: Values, before: Values, name: str, seed: bytes) -> Values:
        """The inputs, with a name made of `name` where none was given; the name of `before` is kept."""

    def problems(self, inputs: Values) -> Mapping[str, str]:
        """Input to a sentence about what is wrong with it and what is right."""

    def changed(self, before: Values, inputs: Values) -> Mapping[str, bool]:
        """Input that changed, to whether that makes it another resource."""

    def outputs(self, inputs: Values, place: Place) -> Values:
        """Everything that the cloud sets, in its documented forms; Failure where no form is known."""

    def identity(self, state: Values) -> str:
        """Its id, of inputs and outputs."""

    def key(self, identity: str) -> str:
        """What of the id nobody else may have: all of it, but for ids that end in letters of their own."""

    def scope(self, place: Place) -> str:
        """Within what its key is unique: a folder of the world."""


class Vendor(Protocol):
    """One cloud."""

    @property
    def name(self) -> str:
        """Of the plugin that is stood in for."""

    @property
    def version(self) -> str:
        """Of the installed library, which warns when the plugin's is another."""

    def place(self, config: Mapping[str, Any]) -> Place:
        """Where a provider configured like this works; Failure says what is missing."""

    def kind(self, token: str, place: Place) -> Kind:
        """A resource type; Failure when there is none."""

    def invoke(self, token: str, arguments: Values, place: Place) -> Values:
        """Answer of a function; Failure when there is none."""
