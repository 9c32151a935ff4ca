"""The resources of this machine as Pulumi classes: what components build from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions

Tags = Mapping[str, str]


class _Local(pulumi.CustomResource):
    """A resource of the plugin `local`; the last part of the type is the class's name."""

    def __init__(self, name: str, inputs: Mapping[str, Any], made: Sequence[str], opts: ResourceOptions | None) -> None:
        given = {key: value for key, value in inputs.items() if value is not None}
        super().__init__(f"local:index:{type(self).__name__}", name, {**dict.fromkeys(made), **given}, opts)


class Folder(_Local):
    """A folder and its children, removed with everything in it."""

    path: Output[str]

    def __init__(
        self,
        name: str,
        *,
        path: Input[str],
        children: Sequence[str] = (),
        mode: str = "0700",
        tags: Tags | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"path": path, "children": list(children), "mode": mode, "tags": tags}, (), opts)


class File(_Local):
    """A small text file, never for secrets."""

    path: Output[str]
    sha256: Output[str]

    def __init__(
        self,
        name: str,
        *,
        path: Input[str],
        content: Input[str],
        mode: str = "0600",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"path": path, "content": content, "mode": mode}, ("sha256",), opts)


class Token(_Local):
    """A random secret in a file `{"identity", "roles", "login", <key>}`; `admits` is where its digest lets it in."""

    path: Output[str]

    def __init__(
        self,
        name: str,
        *,
        path: Input[str],
        identity: str,
        login: str,
        roles: Sequence[str] = (),
        key: str = "token",
        admits: str | None = None,
        until: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "path": path,
            "identity": identity,
            "login": login,
            "roles": list(roles),
            "key": key,
            "admits": admits,
            "until": until,
        }
        super().__init__(name, inputs, ("value",), opts)


class HashKeys(_Local):
    """The keys, by version, that hash what a use case records."""

    path: Output[str]

    def __init__(self, name: str, *, path: Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__(name, {"path": path}, ("keys",), opts)


class Supervisor(_Local):
    """The supervisor of a home; `configuration` holds `{socket}` where its socket goes."""

    socket: Output[str]

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        python: str,
        configuration: str,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"home": home, "python": python, "configuration": configuration}, ("socket",), opts)


class PortLease(_Local):
    """A loopback port, kept by name."""

    port: Output[int]

    def __init__(self, name: str, *, home: Input[str], service: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, {"home": home, "name": service}, ("port",), opts)


class Service(_Local):
    """A program under supervision."""

    address: Output[str]

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        service: str,
        command: Sequence[Input[str]],
        directory: Input[str],
        environment: Mapping[str, Input[str]] | None = None,
        host: str | None = None,
        port: Input[int] | None = None,
        ready_path: str | None = None,
        ready_text: str | None = None,
        watch: Mapping[str, Input[str]] | None = None,
        tags: Tags | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "home": home,
            "name": service,
            "command": list(command),
            "directory": directory,
            "environment": environment,
            "host": host,
            "port": port,
            "ready_path": ready_path,
            "ready_text": ready_text,
            "watch": watch,
            "tags": tags,
        }
        super().__init__(name, inputs, ("address",), opts)


class MlflowExperiment(_Local):
    """An experiment at MLflow."""

    experiment_id: Output[str]

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        experiment: str,
        tags: Tags | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"home": home, "name": experiment, "tags": tags}, ("experiment_id",), opts)


class RegisteredModel(_Local):
    """A registered model at MLflow."""

    name: Output[str]

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        model: str,
        tags: Tags | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"home": home, "name": model, "tags": tags}, (), opts)


class MlflowUser(_Local):
    """A login at MLflow and its credentials file."""

    login: Output[str]

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        login: str,
        identity: str,
        roles: Sequence[str],
        path: Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        inputs = {"home": home, "login": login, "identity": identity, "roles": list(roles), "path": path}
        super().__init__(name, inputs, ("password",), opts)


class MlflowRole(_Local):
    """A role at MLflow with exactly these grants: `{"type", "pattern", "permission"}`."""

    name: Output[str]

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        role: str,
        permissions: Sequence[Mapping[str, Input[str]]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"home": home, "name": role, "permissions": list(permissions)}, ("role_id",), opts)


class Membership(_Local):
    """A login in a role at MLflow."""

    def __init__(
        self,
        name: str,
        *,
        home: Input[str],
        login: Input[str],
        role: Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"home": home, "login": login, "role": role}, (), opts)
