"""The rules themselves: a resource's type and properties in, sentences about what to write instead out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.conventions.tags import MANDATORY

TAGGED = frozenset(f"local:index:{kind}" for kind in ("Folder", "Service", "MlflowExperiment", "RegisteredModel"))
"""Resource types that carry tags."""

SERVICE = "local:index:Service"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]", "*"})  # noqa: S104  named to be refused


def mandatory_tags(resource_type: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A sentence when a resource that carries tags lacks one of the mandatory ones."""
    if resource_type not in TAGGED:
        return
    tags = properties.get("tags") or {}
    missing = [tag for tag in MANDATORY if not tags.get(tag)]
    if missing:
        yield (
            f"tags lack {', '.join(missing)}: write tags=tags.of_use_case(manifest, environment), "
            "or tags.of_platform(environment) for what use cases share (infra/conventions/tags.py)"
        )


def loopback_only(resource_type: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A sentence when a service listens on anything but this machine's loopback."""
    if resource_type != SERVICE:
        return
    instead = "write layout.LOOPBACK (127.0.0.1)"
    host = properties.get("host")
    if properties.get("port") is not None and host not in LOOPBACK:
        yield f"host is {host}, which others on the network can reach: {instead}"
    for word in EVERYWHERE.intersection(properties.get("command") or []):
        yield f"command listens on {word}, which others on the network can reach: {instead}"
