"""Where people are told of problems: what `notify` of an environment may say. Secrets are named by their file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from aifactory_runtime.contract import json_text

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|::1")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("a channel's name has small letters, digits and hyphens, 40 at most, as team-chat")
    return value


def _place(value: str) -> str:
    """A value that is no path may be the secret itself, so it is not repeated."""
    if "://" in value or not value.startswith(("/", "~/")) or not value.isprintable():
        raise ValueError("write the path of a file, from / or ~/ on; what is secret stands in that file")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("write the name of the mail server alone, as mail.example.com")
    return value


def _mail(value: str) -> str:
    if not _MAIL.fullmatch(value):
        raise ValueError("write an address of mail, as ana@example.com")
    return value


Name = Annotated[str, AfterValidator(_name)]
Place = Annotated[str, AfterValidator(_place)]
"""Path of a file, from / or from the home of who tells (~/) on."""
Mail = Annotated[str, AfterValidator(_mail)]


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    """What messages about the channel call it."""


class FileChannel(_Channel):
    """A file that gets a line of JSON for each message."""

    kind: Literal["file"]
    path: Place


class WebhookChannel(_Channel):
    """An address that messages are sent to: JSON for programs, or what Slack or a workflow of Teams shows."""

    kind: Literal["webhook"]
    address_file: Place
    """File with the address, which is secret, as its only line; mode 0600."""
    form: Literal["json", "slack", "teams"] = "json"


class EmailChannel(_Channel):
    """Mail through a server that takes it by SMTP."""

    kind: Literal["email"]
    server: Annotated[str, AfterValidator(_host)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    sender: Mail
    recipients: Annotated[tuple[Mail, ...], Field(min_length=1)]
    login: Annotated[str, Field(min_length=1)] | None = None
    password_file: Place | None = None
    """File with the password as its only line; mode 0600."""

    @model_validator(mode="after")
    def _password_is_safe(self) -> Self:
        if (self.login is None) != (self.password_file is None):
            raise ValueError("login and password_file belong together: write both or none")
        if self.login is not None and self.encryption == "none":
            raise ValueError("encryption: none would send the password readable: write starttls or tls")
        return self


Channel = Annotated[FileChannel | WebhookChannel | EmailChannel, Field(discriminator="kind")]


def _each_name_once(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    names = [one.name for one in channels]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"{', '.join(doubled)} is the name of two channels: give each its own")
    return channels


_EXAMPLE = '[{"name": "log", "kind": "file", "path": "/var/log/churn.jsonl"}]'
Channels = Annotated[tuple[Channel, ...], json_text.parsed(_EXAMPLE), AfterValidator(_each_name_once)]


def path_of(place: str) -> Path:
    """The file that a `Place` names."""
    return Path(place).expanduser()
