"""What all components of AWS have in common: a type of their own, children under them, tags as the vendor's."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi


class Part(pulumi.ComponentResource):
    """A component whose type is named for its class."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"aifactory:aws:{type(self).__name__}", name, None, opts)
        self._name = name

    def child(self, *needs: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a resource inside this component that waits for `needs`."""
        return pulumi.ResourceOptions(parent=self, depends_on=list(needs))


def tagged(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most of AWS's resources take them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
