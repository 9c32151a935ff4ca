"""Component Orchestrator: Dagster's webserver (read-only), daemon, and our one code location."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi

from infra.components.local.part import SERVICES, Server, ServerSettings, digest
from infra.providers.local import layout, sdk

LOCATION = "aifactory"
# Port and process of a code server may be fine while its import failed; only the webserver's own view tells.
_READY = "/graphql?query=%7BrepositoriesOrError%7B...on%20RepositoryConnection%7Bnodes%7Blocation%7Bname%7D%7D%7D%7D%7D"


class Orchestrator(Server):
    """Runs released pipelines on their schedules. A further use case adds no process to it."""

    def __init__(
        self,
        name: str,
        settings: ServerSettings,
        supervisor: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, settings, opts)
        home = str(settings.home)
        self._folder = settings.home / "shared" / "dagster"
        ready = self.child(supervisor)
        code_port = sdk.PortLease(f"{name}-code-port", home=home, service="dagster-code", opts=ready)
        web_port = sdk.PortLease(f"{name}-web-port", home=home, service="dagster-webserver", opts=ready)
        said = (SERVICES / "dagster.yaml").read_text(encoding="utf-8")
        settings_file = self._file("settings", "dagster.yaml", said, ready)
        workspace = self._file("workspace", "workspace.yaml", code_port.port.apply(_workspace), ready)
        code = self._code(code_port, settings_file)
        served = {"workspace.yaml": workspace.sha256, "dagster.yaml": settings_file.sha256}
        web = self._webserver(web_port, workspace, served, code)
        self._service(
            "daemon",
            [self._tool("dagster-daemon"), "run", "-w", workspace.path],
            watch=served,
            opts=self.child(code),
        )
        self.address = web.address
        self.register_outputs({"address": self.address})

    def _file(self, part: str, file: str, content: pulumi.Input[str], opts: pulumi.ResourceOptions) -> sdk.File:
        return sdk.File(f"{self._name}-{part}", path=str(self._folder / file), content=content, opts=opts)

    def _code(self, lease: sdk.PortLease, settings_file: sdk.File) -> sdk.Service:
        file = str(SERVICES / "orchestrator.py")
        command = [self._tool("dagster"), "api", "grpc", "--location-name", LOCATION, "--python-file", file]
        command += ["--working-directory", str(SERVICES)]  # where it finds what it imports
        return self._service(
            "code",
            [*command, "--host", layout.LOOPBACK, "--port", lease.port.apply(str)],
            port=lease.port,
            watch={
                "orchestrator.py": digest("orchestrator.py"),
                "anchoring.py": digest("anchoring.py"),
                "running.py": digest("running.py"),
                "ticking.py": digest("ticking.py"),
                "dagster.yaml": settings_file.sha256,
            },
            opts=self.child(lease, settings_file),
        )

    def _webserver(
        self,
        lease: sdk.PortLease,
        workspace: sdk.File,
        watch: Mapping[str, pulumi.Input[str]],
        code: sdk.Service,
    ) -> sdk.Service:
        tool = self._tool("dagster-webserver")
        return self._service(
            "webserver",
            [tool, "--read-only", "-w", workspace.path, "-h", layout.LOOPBACK, "-p", lease.port.apply(str)],
            port=lease.port,
            ready_path=_READY,
            ready_text=f'"{LOCATION}"',
            watch=watch,
            opts=self.child(code, lease),
        )

    def _tool(self, command: str) -> str:
        return str(self._settings.python.parent / command)

    def _service(
        self,
        part: str,
        command: list[pulumi.Input[str]],
        *,
        watch: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
        port: pulumi.Output[int] | None = None,
        ready_path: str | None = None,
        ready_text: str | None = None,
    ) -> sdk.Service:
        return sdk.Service(
            f"{self._name}-{part}",
            home=str(self._settings.home),
            service=f"dagster-{part}",
            command=command,
            directory=str(self._folder),
            environment={"DAGSTER_HOME": str(self._folder), "FACTORY_HOME": str(self._settings.home)},
            host=None if port is None else layout.LOOPBACK,
            port=port,
            ready_path=ready_path,
            ready_text=ready_text,
            watch=watch,
            tags=self._settings.tags,
            opts=opts,
        )


def _workspace(port: int) -> str:
    """Dagster's list of code locations: JSON, which YAML contains."""
    server = {"host": layout.LOOPBACK, "port": int(port), "location_name": LOCATION}
    return json.dumps({"load_from": [{"grpc_server": server}]}, indent=2) + "\n"
