"""What all components of this machine have in common: checked settings, a type of their own, children under them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pulumi
from pydantic import BaseModel, ConfigDict

SERVICES = Path(__file__).resolve().parents[2] / "services"
"""Folder of what supervisor runs."""


class Settings(BaseModel):
    """Settings of a component: unknown ones are refused, none changes after it is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path
    tags: dict[str, str]


class ServerSettings(Settings):
    """Settings of a server of the platform; `python` is the interpreter of the servers' environment."""

    python: Path


class Part(pulumi.ComponentResource):
    """A component whose type is named for its class."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"aifactory:local:{type(self).__name__}", name, None, opts)

    def child(self, *needs: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a resource inside this component that waits for `needs`."""
        return pulumi.ResourceOptions(parent=self, depends_on=list(needs))


class Server(Part):
    """A server of the platform, run by supervisor; `address` is where it answers."""

    address: pulumi.Output[str]

    def __init__(self, name: str, settings: ServerSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._name, self._settings = name, settings


def digest(name: str) -> str:
    """Digest of a file in `services/`, so that another version of it restarts what runs it."""
    return hashlib.sha256((SERVICES / name).read_bytes()).hexdigest()
