"""What AWS sets is made in full and in its documented forms, under the names that aws-native's library asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pulumi_aws_native
import pytest

from infra.providers.emulated.aws import forms, spelling
from infra.providers.emulated.aws.cloud import Cloud
from infra.providers.emulated.aws.kind import AwsKind
from infra.providers.emulated.vendor import Place
from infra.providers.protocol.failure import Failure

PLACE = Place("123456789012", "eu-west-1")
LIBRARY = Path(next(iter(pulumi_aws_native.__path__)))
GETTER = re.compile(r'@_builtins\.property\n    @pulumi\.getter(?:\(name="(\w+)"\))?\n    def (\w+)')
TOKEN = re.compile(r"super\([^)]*\)\.__init__\(\s*'(aws-native:\w+:\w+)'")


def sources() -> dict[str, str]:
    """Token in small letters to the part of the library's source that has the resource's outputs."""
    modules = {
        "configuration" if name == "config" else name for name in (f.split("::")[0].lower() for f in forms.FORMS)
    }
    found = {}
    for module in modules:
        folder = LIBRARY / ("lambda_" if module == "lambda" else module)
        for path in folder.glob("*.py"):
            text = path.read_text(encoding="utf-8")
            if match := TOKEN.search(text):
                found[match[1]] = text[match.end() :]
    return found


def kind(token: str) -> AwsKind:
    return Cloud().kind(token, PLACE)


def test_given_every_type_with_forms_when_its_outputs_are_made_then_each_has_its_form_and_none_is_missing() -> None:
    tokens = {kind(token).schema.type_name.removeprefix("AWS::"): token for token in sources() if known(token)}
    assert set(forms.FORMS) <= set(tokens)
    for name in forms.FORMS:
        each = kind(tokens[name])
        given = {spelling.wire(key): "churn-prod" for key in each.schema.properties if key not in each.schema.made}
        made = each.outputs({**given, "budget": {"budgetName": "churn-prod"}}, PLACE)
        without = {key for key, form in forms.FORMS[name].items() if form is None}
        assert set(made) == {spelling.wire(key) for key in each.schema.made if key not in without}, name


def test_given_the_library_when_it_asks_for_outputs_then_the_names_are_those_of_the_schema() -> None:
    for token, text in sources().items():
        if known(token) and kind(token).schema.type_name.removeprefix("AWS::") in forms.FORMS:
            asked = {wire or name for wire, name in GETTER.findall(text)}
            assert asked == {spelling.wire(key) for key in kind(token).schema.properties}, token


def known(token: str) -> bool:
    try:
        kind(token)
    except Failure:
        return False
    return True


def test_given_a_type_without_forms_when_it_is_made_then_the_module_to_extend_is_named() -> None:
    with pytest.raises(Failure, match=r"AWS::Batch::JobQueue: the emulation knows no form of JobQueueArn: .*forms.py"):
        kind("aws-native:batch:JobQueue").outputs({}, PLACE)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("KMSKeyId", "kmsKeyId"),
        ("WebsiteURL", "websiteUrl"),
        ("NotificationARNs", "notificationArns"),
        ("VPCEndpointDNSName", "vpcEndpointDnsName"),
        ("AutoMLJobArn", "autoMlJobArn"),
        ("Id", "awsId"),
        ("EnableSSMAccess", "enableSsmAccess"),
    ],
)
def test_given_a_name_of_cloudformation_when_it_is_written_then_acronyms_are_words(name: str, written: str) -> None:
    assert spelling.wire(name) == written
