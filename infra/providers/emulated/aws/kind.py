"""A resource type of AWS as its schema describes it: names, refusals, replacements, outputs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from infra.providers.emulated import schema_check
from infra.providers.emulated.aws import forms, spelling
from infra.providers.emulated.aws.schemas import ResourceSchema
from infra.providers.emulated.vendor import Place, Values
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.values import Unknown

_WITHOUT_REGION = {"IAM", "Budgets", "CE"}
"""Services whose resources belong to the account, not to a region of it."""
_OF_ALL_ACCOUNTS = {"AWS::S3::Bucket"}
_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
_SOFT_DELETED = {_SECRET, "AWS::KMS::Key"}
"""Deleted at the end of a waiting time; the secret's name is taken until then."""
_LONGEST_NAME = 64


class AwsKind:
    """One resource type. Names are aws-native's outside and CloudFormation's inside."""

    def __init__(self, token: str, schema: ResourceSchema) -> None:
        self.token = token
        self.schema = schema
        self.made = [spelling.wire(name) for name in schema.made]
        self.soft_deleted = schema.type_name in _SOFT_DELETED

    def named(self, inputs: Values, before: Values, name: str, seed: bytes) -> Values:
        """With a name where AWS wants one and none was given: the resource's own and seven letters, as aws-native."""
        if self.schema.name is None:
            return inputs
        key = spelling.wire(self.schema.name)
        if key in inputs:
            return inputs
        if key in before:
            return {**inputs, key: before[key]}
        random = hashlib.sha256(seed or secrets.token_bytes(8)).hexdigest()[:7]
        longest = self.schema.properties[self.schema.name].get("maxLength", _LONGEST_NAME)
        return {**inputs, key: f"{name[: longest - 8]}-{random}"}

    def problems(self, inputs: Values) -> Mapping[str, str]:
        """Input to what is wrong in it, with the path to the place."""
        given = self._formation(inputs)
        found: dict[str, list[str]] = {}
        for path, sentence in self._problems(given):
            key = spelling.wire(str(path[0])) if path else ""
            found.setdefault(key, []).append(f"{_written(path)} {sentence}".strip())
        return {key: "; ".join(dict.fromkeys(sentences)) for key, sentences in found.items()}

    def changed(self, before: Values, inputs: Values) -> Mapping[str, bool]:
        """Input to whether its change replaces the resource: where the path that changed is create-only."""
        old, new = self._formation(before), self._formation(inputs)
        changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        replacing = {path[0] for path in self.schema.create_only if _at(old, path) != _at(new, path)}
        return {spelling.wire(key): key in replacing for key in sorted(changed)}

    def outputs(self, inputs: Values, place: Place) -> Values:
        """What AWS sets, checked against the schema as AWS's own answer would be."""
        given = self._formation(inputs)
        found = forms.outputs(self.schema.type_name, given, self.schema.made, place)
        for name, value in found.items():
            schema = self.schema.properties[name]
            for path, sentence in schema_check.problems(value, schema, self.schema.content, (name,)):
                raise Failure(f"{self.schema.type_name}: the emulation's {_written(path)} {sentence}: see aws/forms.py")
        answer: Values = spelling.native(found)
        return answer

    def identity(self, state: Values) -> str:
        """The properties of the primary identifier, joined as Cloud Control does."""
        values = self._formation(state)
        parts = [values.get(name) for name in self.schema.identifier]
        for name, part in zip(self.schema.identifier, parts, strict=True):
            if part is None or isinstance(part, Unknown):
                raise Failure(f"{self.schema.type_name} has no {spelling.wire(name)}, which is in its id")
        return "|".join(map(str, parts))

    def key(self, identity: str) -> str:
        """The id; of a secret its name, as its ARN ends in six letters of its own."""
        return identity[:-7].rpartition(":")[2] if self.schema.type_name == _SECRET else identity

    def scope(self, place: Place) -> str:
        """Everywhere, the account, or a region of it."""
        if self.schema.type_name in _OF_ALL_ACCOUNTS:
            return "everywhere"
        service = self.schema.type_name.split("::")[1]
        return place.account if service in _WITHOUT_REGION else f"{place.account}.{place.region}"

    def formation(self, inputs: Values) -> Values:
        """Inputs as CloudFormation takes them in a template."""
        return self._formation(inputs)

    def _formation(self, values: Values) -> dict[str, Any]:
        content = self.schema.content
        found: dict[str, Any] = spelling.formation(values, content, content)
        return found

    def _problems(self, given: Mapping[str, Any]) -> list[schema_check.Problem]:
        set_by_aws = [key for key in given if key in self.schema.made]
        rest = {key: value for key, value in given.items() if key not in set_by_aws}
        refused: list[schema_check.Problem] = [((key,), "is set by AWS: leave it out") for key in set_by_aws]
        return [*refused, *schema_check.problems(rest, self.schema.content, self.schema.content)]


def _written(path: schema_check.Path) -> str:
    """`("ProductionVariants", 0, "ModelName")` -> `productionVariants[0].modelName`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{spelling.wire(part)}"
    return text.lstrip(".")


def _at(value: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path; of lists, what stands at it in each item."""
    if not path:
        return value
    if isinstance(value, list):
        return [_at(item, path) for item in value]
    return _at(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else None
