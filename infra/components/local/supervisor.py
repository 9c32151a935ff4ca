"""Component Supervision: the folders of a home and the one process that keeps its services running."""

from __future__ import annotations

import pulumi

from infra.components.local.part import SERVICES, Part, ServerSettings
from infra.providers.local import sdk


class Supervision(Part):
    """What everything else on this machine starts from. It is not a boundary: one user owns all of it."""

    socket: pulumi.Output[str]

    def __init__(self, name: str, settings: ServerSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        home = settings.home
        self.folders = [
            sdk.Folder(
                f"{name}-{folder}", path=str(home / folder), children=children, tags=settings.tags, opts=self.child()
            )
            for folder, children in {
                "services": ("conf.d", "logs"),
                "shared": ("mlflow", "mlflow/artifacts", "mlflow/tmp", "dagster"),
                "usecases": (),
                "credentials": (),
                "snapshots": ("envs",),
            }.items()
        ]
        self.process = sdk.Supervisor(
            f"{name}-process",
            home=str(home),
            python=str(settings.python),
            configuration=(SERVICES / "supervisord.conf").read_text(encoding="utf-8"),
            opts=self.child(*self.folders),
        )
        self.socket = self.process.socket
        self.register_outputs({"socket": self.socket})
