"""Component Endpoint: the scoring service of one use case in one environment."""

from __future__ import annotations

from pathlib import Path

import pulumi

from infra.components.local.offer import SIZES, Size
from infra.components.local.part import SERVICES, Part, digest
from infra.components.local.workspace import WorkspaceSettings
from infra.conventions import names
from infra.providers.local import layout, sdk


class EndpointSettings(WorkspaceSettings):
    """`python` runs the launcher, which needs the standard library only."""

    python: Path

    @property
    def service(self) -> str:
        """Name under supervisor, and of the port's lease."""
        return names.service(*self.place)

    @property
    def size(self) -> Size:
        """Bounds of the service."""
        return SIZES[self.manifest.settings(self.environment).size]


class Endpoint(Part):
    """A stable launcher under supervision. Which code and which model it runs is the business of releases."""

    address: pulumi.Output[str]

    def __init__(self, name: str, settings: EndpointSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._name, self._settings = name, settings
        self._lease = sdk.PortLease(
            f"{name}-port", home=str(settings.home), service=settings.service, opts=self.child()
        )
        self.address = self._lease.port.apply(lambda port: f"http://{layout.LOOPBACK}:{int(port)}")

    def serve(self, environment: sdk.File, folder: sdk.Folder) -> None:
        """Start the service, which reads `environment`."""
        settings = self._settings
        sdk.Service(
            f"{self._name}-service",
            home=str(settings.home),
            service=settings.service,
            command=self._command(environment),
            directory=str(settings.folder),
            host=layout.LOOPBACK,
            port=self._lease.port,
            ready_path="/health/live",
            watch={"launcher.py": digest("launcher.py"), "environment.json": environment.sha256},
            tags=settings.tags,
            opts=self.child(folder),
        )
        self.register_outputs({"address": self.address})

    def _command(self, environment: sdk.File) -> list[pulumi.Input[str]]:
        settings = self._settings
        return [
            "prlimit",
            f"--data={settings.size.memory_mb * 2**20}",  # of each process: workers inherit it
            str(settings.python),
            str(SERVICES / "launcher.py"),
            "--port",
            self._lease.port.apply(lambda port: str(int(port))),
            "--serving",
            str(settings.folder / "serving"),
            "--package",
            settings.manifest.package,
            "--environment-file",
            environment.path,
            "--sockets",
            str(layout.runtime(settings.home)),
            "--workers",
            str(settings.size.workers),
        ]
