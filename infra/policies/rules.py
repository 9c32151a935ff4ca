"""The rules themselves: a resource's type and properties in, sentences about what to write instead out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.conventions.tags import MANDATORY
from infra.policies import aws_rules

UNTAGGED = frozenset(
    f"local:index:{kind}"
    for kind in ("File", "HashKeys", "Membership", "MlflowRole", "MlflowUser", "PortLease", "Supervisor", "Token")
)
"""Resource types known to carry no tags; a type that is not listed has to, so a new one cannot be forgotten."""

GROUPS = ("pulumi:", "aifactory:")
"""The engine's own records and our components: what lies in them carries the tags."""

SERVICE = "local:index:Service"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]", "*"})  # noqa: S104  named to be refused


def mandatory_tags(resource_type: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A sentence when a resource lacks one of the mandatory tags, unless its type is known to carry none."""
    if resource_type in UNTAGGED | aws_rules.UNTAGGED or resource_type.startswith(GROUPS):
        return
    tags = aws_rules.tags_of(properties)
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
    words = {part for word in properties.get("command") or [] for part in _addresses(str(word))}
    for word in sorted(EVERYWHERE & words):
        yield f"command listens on {word}, which others on the network can reach: {instead}"


def _addresses(word: str) -> set[str]:
    """What may be an address in a word of a command: `--host=A`, `A:PORT`, or the word itself."""
    value = word.rpartition("=")[2]
    return {word, value, re.sub(r":\d+$", "", value)}
