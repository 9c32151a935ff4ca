"""Component Tracking: MLflow's tracking server and registry, with logins, on SQLite, artefacts behind its proxy."""

from __future__ import annotations

import pulumi

from infra.components.local.part import SERVICES, Server, ServerSettings, digest
from infra.providers.local import layout, sdk


class Tracking(Server):
    """One server for all environments; what keeps them apart are roles. Without a role a login may do nothing."""

    def __init__(
        self,
        name: str,
        settings: ServerSettings,
        supervisor: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, settings, opts)
        home = str(settings.home)
        ready = self.child(supervisor)
        admin = sdk.Token(
            f"{name}-admin",
            path=str(layout.admin(home)),
            identity="admin",
            login="admin",
            roles=("admin",),
            key="password",
            opts=ready,
        )
        session = sdk.Token(
            f"{name}-session-key",
            path=str(layout.tracking(home) / "session.json"),
            identity="session",
            login="session",
            opts=ready,
        )
        lease = sdk.PortLease(f"{name}-port", home=home, service=layout.TRACKING, opts=ready)
        self.server = self._server(admin, session, lease)
        self.address = self.server.address
        self.register_outputs({"address": self.address})

    def _server(self, admin: sdk.Token, session: sdk.Token, lease: sdk.PortLease) -> sdk.Service:
        home = str(self._settings.home)
        folder = layout.tracking(home)
        options: dict[str, pulumi.Input[str]] = {
            "--folder": str(folder),
            "--admin": admin.path,
            "--session-key": session.path,
            "--host": layout.LOOPBACK,
            "--port": lease.port.apply(str),
        }
        command: list[pulumi.Input[str]] = [str(self._settings.python), str(SERVICES / "tracking.py")]
        return sdk.Service(
            f"{self._name}-server",
            home=home,
            service=layout.TRACKING,
            command=[*command, *(word for option in options.items() for word in option)],
            directory=str(folder),
            # It leaves a lock file behind for every database it opens.
            environment={"TMPDIR": str(folder / "tmp")},
            host=layout.LOOPBACK,
            port=lease.port,
            ready_path="/health",
            watch={"tracking.py": digest("tracking.py")},
            tags=self._settings.tags,
            opts=self.child(admin, session, lease),
        )
