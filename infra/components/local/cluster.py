"""Component Cluster: the Dask cluster of one use case in one environment, or the address of one that others run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pulumi

from aifactory_runtime.contract import derived
from aifactory_runtime.contract.manifest import Compute
from infra.components.local.endpoint import EndpointSettings
from infra.components.local.part import SERVICES, Part, digest
from infra.conventions import names
from infra.providers.local import layout, sdk


class Cluster(Part):
    """A launcher under supervision: it starts scheduler and workers for a run, in that run's released code."""

    values: dict[str, pulumi.Input[Any]]
    """What the environment's contract says of it."""

    def __init__(
        self, name: str, settings: EndpointSettings, compute: Compute, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._name, self._settings, self._compute = name, settings, compute
        self._socket = socket_of(settings)
        self._scheduler, self._pages = (self._lease(part) for part in ("scheduler", "pages"))
        self.values = {
            "cluster_uri": self._scheduler.port.apply(lambda port: f"tcp://{layout.LOOPBACK}:{int(port)}"),
            "cluster_socket": str(self._socket),
            **derived.of_compute(compute),
        }

    def launch(self, snapshots: str, folder: sdk.Folder) -> None:
        """Start the launcher; `snapshots` is where released code lies."""
        settings = self._settings
        sdk.Service(
            f"{self._name}-service",
            home=str(settings.home),
            service=names.cluster(*settings.place),
            command=self._command(Path(snapshots) / settings.manifest.use_case),
            directory=str(settings.folder),
            watch={"cluster.py": digest("cluster.py")},
            tags=settings.tags,
            opts=self.child(folder),
        )
        self.register_outputs({"address": self.values["cluster_uri"]})

    def _lease(self, part: str) -> sdk.PortLease:
        service = f"{names.cluster(*self._settings.place)}-{part}"
        return sdk.PortLease(
            f"{self._name}-{part}-port", home=str(self._settings.home), service=service, opts=self.child()
        )

    def _command(self, snapshots: Path) -> list[pulumi.Input[str]]:
        settings, compute = self._settings, self._compute
        options: dict[str, pulumi.Input[str]] = {
            "--socket": str(self._socket),
            "--package": settings.manifest.package,
            "--snapshots": str(snapshots),
            "--port": self._scheduler.port.apply(lambda port: str(int(port))),
            "--dashboard-port": self._pages.port.apply(lambda port: str(int(port))),
            "--workers": str(compute.workers),
            "--memory-gb": f"{compute.memory_gb:g}",
            "--threads": str(compute.threads),
        }
        words = (word for option in options.items() for word in option)
        return [str(settings.python), str(SERVICES / "cluster.py"), *words]


def socket_of(settings: EndpointSettings) -> Path:
    """Where the launcher is asked: a short path, as a socket's has to be, in a folder of this user alone."""
    name = hashlib.sha256(names.cluster(*settings.place).encode()).hexdigest()[:12]
    return layout.runtime(settings.home) / f"{name}.cluster.sock"


def of_others(settings: EndpointSettings) -> dict[str, pulumi.Input[Any]]:
    """What the contract says of a cluster that a platform team runs; nothing where none is named.

    Its certificates are theirs: `cluster.json` beside the logins of the environment says where they lie.
    """
    address = settings.manifest.settings(settings.environment).cluster
    if address is None:
        return {}
    tls = {"cluster_tls_file": str(settings.credentials / "cluster.json")} if address.startswith("tls:") else {}
    return {"cluster_uri": address, **tls}
