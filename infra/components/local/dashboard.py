"""Component Dashboard: the server that hands out the pages of all environments, to logins of the tracking server."""

from __future__ import annotations

import pulumi

from infra.components.local.part import SERVICES, Server, ServerSettings, digest
from infra.components.local.tracking import Tracking
from infra.providers.local import layout, sdk

FILES = ("dashboard.py", "anchoring.py", "logins.py", "ticking.py", "dashboard.css")
"""What it is made of: a change of one starts it anew."""


class Dashboard(Server):
    """One for a home. It reads files of the environments and writes none; it has no login of its own."""

    def __init__(
        self,
        name: str,
        settings: ServerSettings,
        supervisor: pulumi.Resource,
        tracking: Tracking,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, settings, opts)
        home = str(settings.home)
        lease = sdk.PortLease(f"{name}-port", home=home, service=layout.DASHBOARD, opts=self.child(supervisor))
        options: dict[str, pulumi.Input[str]] = {
            "--home": home,
            "--tracking": tracking.address,
            "--host": layout.LOOPBACK,
            "--port": lease.port.apply(str),
        }
        command: list[pulumi.Input[str]] = [str(settings.python), str(SERVICES / "dashboard.py")]
        server = sdk.Service(
            f"{name}-server",
            home=home,
            service=layout.DASHBOARD,
            command=[*command, *(word for option in options.items() for word in option)],
            directory=str(settings.home / "shared"),
            host=layout.LOOPBACK,
            port=lease.port,
            ready_path="/health",
            watch={file: digest(file) for file in FILES},
            tags=settings.tags,
            opts=self.child(lease),
        )
        self.address = server.address
        self.register_outputs({"address": self.address})
