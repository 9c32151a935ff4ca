"""Component Workspace: what one use case has in one environment before anything runs: folders, experiment, access."""

from __future__ import annotations

from pathlib import Path

import pulumi

from aifactory_runtime.contract import names as agreed
from infra.components.asked import Asked
from infra.components.local import grants as permissions
from infra.components.local.part import Part, Settings
from infra.conventions import names, people, personas
from infra.providers.local import sdk


class WorkspaceSettings(Settings, Asked):
    """One use case in one environment of a home."""

    @property
    def folder(self) -> Path:
        """Folder of the use case in the environment."""
        return self.home / self.environment / self.manifest.use_case

    @property
    def credentials(self) -> Path:
        """Folder of the logins."""
        return self.home / "credentials" / self.environment / self.manifest.use_case

    @property
    def capture_key(self) -> Path:
        """The keys that hash what is recorded of predictions."""
        return self.credentials / f"{agreed.CAPTURE_KEY}.json"

    @property
    def callers(self) -> Path:
        """Folder in which the scoring service finds whom to let in."""
        return self.folder / names.CALLERS

    @property
    def guarded(self) -> bool:
        """Whether there is a scoring service that asks for a token."""
        return self.manifest.serves and self.environment in personas.TOKEN_GUARDED


class Workspace(Part):
    """Folders and access of one use case in one environment. Models, data and what is served belong to releases."""

    token_file: str | None

    def __init__(
        self,
        name: str,
        settings: WorkspaceSettings,
        anchor_experiment: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`anchor_experiment` is where heads of audit logs are; None with a platform from before there was one."""
        super().__init__(name, opts)
        self._name, self._settings = name, settings
        self._anchor_experiment = anchor_experiment
        self._home = str(settings.home)
        self.folder = sdk.Folder(
            f"{name}-folder",
            path=str(settings.folder),
            children=names.FOLDERS,
            tags=settings.tags,
            opts=self.child(),
        )
        sdk.Folder(f"{name}-credentials", path=str(settings.credentials), tags=settings.tags, opts=self.child())
        self._experiment = self._make_experiment("experiment", agreed.experiment(*settings.place))
        self._model = sdk.RegisteredModel(
            f"{name}-model",
            home=self._home,
            model=agreed.model(*settings.place),
            tags=settings.tags,
            opts=self.child(),
        )
        self._approvals = {
            person: self._make_experiment(f"approvals-{person}", agreed.approvals(*settings.place, person))
            for person in settings.approvers
        }
        for identity, roles in self._logins().items():
            self._login(identity, roles)
        sdk.HashKeys(f"{name}-{agreed.CAPTURE_KEY}", path=str(settings.capture_key), opts=self.child())
        self.token_file = self._tokens() if settings.guarded else None
        self.register_outputs({"experiment_id": self._experiment.experiment_id})

    def _make_experiment(self, part: str, experiment: str) -> sdk.MlflowExperiment:
        return sdk.MlflowExperiment(
            f"{self._name}-{part}",
            home=self._home,
            experiment=experiment,
            tags=self._settings.tags,
            opts=self.child(),
        )

    def _logins(self) -> dict[str, dict[str, sdk.MlflowRole]]:
        """Each identity with the roles it has: role to role at MLflow."""
        held = people.held(self._settings.manifest, self._settings.environment, self._settings.today)
        wanted = {role for roles in held.values() for role in roles} - {agreed.APPROVER}
        made = {role: self._role(role) for role in sorted(wanted | {agreed.RELEASE, agreed.SERVICE})}
        logins = {
            person: {role: made.get(role) or self._approver(person) for role in roles} for person, roles in held.items()
        }
        return {**logins, **{identity: {identity: made[identity]} for identity in (agreed.RELEASE, agreed.SERVICE)}}

    def _grants(self, role: str) -> list[dict[str, pulumi.Input[str]]]:
        rights = permissions.grants(role, self._settings.environment)
        grants: list[dict[str, pulumi.Input[str]]] = [
            {"type": "registered_model", "pattern": self._model.name, "permission": rights.model}
        ]
        if rights.experiment is not None:
            grants.insert(
                0, {"type": "experiment", "pattern": self._experiment.experiment_id, "permission": rights.experiment}
            )
            if self._anchor_experiment is not None:
                seen = {"pattern": self._anchor_experiment, "permission": permissions.SEES_ANCHORED}
                grants.append({"type": "experiment", **seen})
        if role in permissions.ALL_APPROVALS:
            for approvals in self._approvals.values():
                everyone = permissions.ALL_APPROVALS[role]
                grants.append({"type": "experiment", "pattern": approvals.experiment_id, "permission": everyone})
        return grants

    def _role(self, role: str) -> sdk.MlflowRole:
        return sdk.MlflowRole(
            f"{self._name}-role-{role}",
            home=self._home,
            role=names.role(role, *self._settings.place),
            permissions=self._grants(role),
            opts=self.child(),
        )

    def _approver(self, person: str) -> sdk.MlflowRole:
        """A role of their own: only they may write their approvals."""
        own = self._approvals[person].experiment_id
        return sdk.MlflowRole(
            f"{self._name}-role-{agreed.APPROVER}-{person}",
            home=self._home,
            role=names.approver_role(person, *self._settings.place),
            permissions=[
                *self._grants(agreed.APPROVER),
                {"type": "experiment", "pattern": own, "permission": permissions.OWN_APPROVALS},
            ],
            opts=self.child(),
        )

    def _login(self, identity: str, roles: dict[str, sdk.MlflowRole]) -> None:
        user = sdk.MlflowUser(
            f"{self._name}-login-{identity}",
            home=self._home,
            login=agreed.login(identity, *self._settings.place),
            identity=identity,
            roles=list(roles),
            path=str(self._settings.credentials / f"{identity}.json"),
            opts=self.child(),
        )
        for persona, role in roles.items():
            sdk.Membership(
                f"{self._name}-{identity}-is-{persona}",
                home=self._home,
                login=user.login,
                role=role.name,
                opts=self.child(),
            )

    def _tokens(self) -> str:
        """Tokens of the scoring service: the consumer's, whose file is returned, and one for each person who calls."""
        settings = self._settings
        consumer = settings.credentials / f"{agreed.CONSUMER}.json"
        self._token("token", people.Caller(agreed.CONSUMER, (agreed.CONSUMER,)), consumer)
        for caller in people.callers(settings.manifest, settings.environment, settings.today):
            own = settings.credentials / names.TOKENS / f"{caller.login}.json"
            self._token(f"token-{caller.login}", caller, own)
        return str(consumer)

    def _token(self, part: str, caller: people.Caller, path: Path) -> None:
        identity, until = caller.login, caller.until
        sdk.Token(
            f"{self._name}-{part}",
            path=str(path),
            identity=identity,
            login=agreed.login(identity, *self._settings.place),
            roles=caller.roles,
            admits=str(self._settings.callers / f"{identity}.json"),
            until=None if until is None else until.isoformat(),
            opts=self.child(self.folder),
        )
