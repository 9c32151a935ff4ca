"""What an environment contract says of this machine."""

from __future__ import annotations

from aifactory_runtime.contract import derived
from aifactory_runtime.contract import names as agreed
from infra.components.local.workspace import WorkspaceSettings


def places(settings: WorkspaceSettings) -> dict[str, str]:
    """Names and folders that follow from use case and environment alone."""
    folder = settings.folder
    return {
        "use_case": settings.manifest.use_case,
        "environment": settings.environment,
        "target": settings.manifest.target,
        "identity": settings.manifest.owner,
        "credentials_file": str(settings.credentials / f"{settings.manifest.owner}.json"),
        "experiment": agreed.experiment(*settings.place),
        "model_name": agreed.model(*settings.place),
        "capture_key_file": str(settings.capture_key),
        **derived.folders(folder),
        **({"endpoint_callers_uri": str(settings.callers)} if settings.guarded else {}),
    }
