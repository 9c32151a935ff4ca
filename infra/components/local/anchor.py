"""Component Anchor: the identity that writes the heads of audit logs, and the one experiment that it may write."""

from __future__ import annotations

import pulumi

from aifactory_runtime.contract import names
from infra.components.local import grants
from infra.components.local.part import Part, Settings
from infra.providers.local import layout, sdk


class Anchor(Part):
    """One for a home: whoever rewrites an audit log cannot rewrite what was anchored of it."""

    experiment_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings,
        tracking: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        home, ready = str(settings.home), self.child(tracking)
        experiment = sdk.MlflowExperiment(
            f"{name}-experiment", home=home, experiment=names.ANCHOR, tags=settings.tags, opts=ready
        )
        self.experiment_id = experiment.experiment_id
        own: dict[str, pulumi.Input[str]] = {
            "type": "experiment",
            "pattern": self.experiment_id,
            "permission": grants.OWN_ANCHOR,
        }
        role = sdk.MlflowRole(f"{name}-role", home=home, role=names.ANCHOR, permissions=[own], opts=ready)
        user = sdk.MlflowUser(
            f"{name}-login",
            home=home,
            login=names.ANCHOR,
            identity=names.ANCHOR,
            roles=[names.ANCHOR],
            path=str(layout.anchor(home)),
            opts=ready,
        )
        sdk.Membership(f"{name}-is-{names.ANCHOR}", home=home, login=user.login, role=role.name, opts=self.child())
        self.register_outputs({"experiment_id": self.experiment_id})
