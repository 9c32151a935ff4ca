"""A use case on AWS under mocks: what it asks for in each environment, by valid manifests and by invalid ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from aifactory_runtime.contract import EnvironmentContract, cloud_names, names
from infra.components.aws import rights
from infra.conventions import tags
from infra.policies import aws_rules
from tests.fixtures import mocked_engine
from tests.infra.engine import TODAY
from tests.unit.runtime.contract.test_manifest import VALID

ACCOUNT, REGION = "111122223333", "eu-west-1"
PLATFORM: dict[str, Any] = {
    "environment": "prod",
    "account": ACCOUNT,
    "region": REGION,
    "bucket": f"aifactory-platform-{ACCOUNT}",
    "kmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1b2c3d4e-1111-2222-3333-444455556666",
    "repositoryUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/aifactory",
    "mlflowArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-app/app-ABCDEFGHIJKL",
    "mlflowUrl": f"https://mlflow.sagemaker.{REGION}.app.aws",
    "oidcProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
    "boundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/aifactory-platform-prod-boundary",
    "auditTrail": "aifactory-platform-prod-trail",
    "topicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:aifactory-platform-prod-notices",
    "domainId": "d-abcdefghijkl",
    "vpc": None,
}
VPC = {"id": "vpc-1", "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
MANIFEST: dict[str, Any] = {**copy.deepcopy(VALID), "target": "aws", "platform": "s3://aifactory-platform-111122223333"}
UNTAGGED = {
    "s3:BucketPolicy",
    "sqs:QueueInlinePolicy",
    "sns:TopicInlinePolicy",
    "sns:Subscription",
    "scheduler:Schedule",
}
"""Kinds that the vendor gives no tags."""


class Recorder(mocked_engine.Recorder):
    """AWS's provider, which answers with ARNs as the vendor forms them."""

    VENDOR = "aws-native:"

    def outputs(self, kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        del name
        return {**inputs, **_made(kind, inputs)}


def _made(kind: str, inputs: dict[str, Any]) -> dict[str, str]:
    if kind == "iam:Role":
        return {"arn": f"arn:aws:iam::{ACCOUNT}:role/{inputs['roleName']}"}
    if kind == "sns:Topic":
        return {"topicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:{inputs['topicName']}"}
    if kind == "sqs:Queue":
        name = inputs["queueName"]
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        return {"arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "queueUrl": url}
    return {}


@pytest.fixture
def engine() -> Iterator[Recorder]:
    """A recorder in the engine's place."""
    with mocked_engine.put_back():
        yield Recorder()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The valid manifest with one value changed; `path` is dotted."""
    values = copy.deepcopy(MANIFEST)
    node = values
    *parents, last = path.split(".")
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
    return values


def use_case(
    recorder: Recorder, environment: str, manifest: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Run the program; its exports. `more` replaces outputs of the platform, `config` adds settings of the stack."""
    config = {"environment": environment, "today": TODAY, "manifest": json.dumps(manifest or MANIFEST)}
    config |= {"platform": json.dumps({**PLATFORM, "environment": environment, **more}), **more.pop("config", {})}
    return mocked_engine.run(recorder, "usecase", **config)


def pairs(found: Any) -> dict[str, str]:
    """Tags as a mapping, however a kind writes them."""
    return found if isinstance(found, dict) else {one["key"]: one["value"] for one in found or []}


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_a_use_case_when_run_then_the_exports_are_a_whole_contract(engine: Recorder, environment: str) -> None:
    exports = use_case(engine, environment)

    assert set(exports) == set(EnvironmentContract.model_fields)
    contract = EnvironmentContract.model_validate(exports)
    bucket = f"churn-{environment}-{ACCOUNT}"
    assert contract.data_uri == f"s3://{bucket}/tables"
    assert contract.registry_uri == f"s3://{bucket}/models"
    assert contract.audit_uri == f"s3://audit--{bucket}/audit"
    assert contract.job_role == f"arn:aws:iam::{ACCOUNT}:role/aifactory-churn-{environment}-job"
    assert contract.service_role == f"arn:aws:iam::{ACCOUNT}:role/aifactory-churn-{environment}-service"
    assert contract.credentials_file is None
    assert (contract.endpoint_name, contract.endpoint_url is None) == (
        (None, True) if environment == "dev" else (f"churn-{environment}", False)
    )


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_a_use_case_when_run_then_all_that_can_carry_tags_carries_those_of_the_manifest(
    engine: Recorder, environment: str
) -> None:
    use_case(engine, environment)

    for kind, name, inputs in engine.asked:
        if not kind.startswith(("aifactory:", "pulumi:")) and kind not in UNTAGGED:
            carried = pairs(inputs.get("resourceTags") or inputs.get("tags"))
            assert set(carried) >= set(tags.MANDATORY), (kind, name)
            assert (carried["use_case"], carried["environment"]) == ("churn", environment)


def test_given_a_use_case_when_run_then_all_keys_are_written_as_the_vendor_does(engine: Recorder) -> None:
    use_case(engine, "prod", changed("environments.prod.budget_month", 500))

    assert [(kind, name, odd) for kind, name, inputs in engine.asked for odd in _odd(inputs)] == []


def _odd(found: Any) -> Iterator[str]:
    """Keys in the form of Python, which the vendor knows nothing of: tags and policies are written by us."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("tags", "policyDocument", "assumeRolePolicyDocument", "eventPattern", "inputPathsMap"):
                continue
            if "_" in key:
                yield key
            yield from _odd(value)
    elif isinstance(found, list):
        for value in found:
            yield from _odd(value)


def test_given_a_use_case_when_run_then_its_buckets_are_closed_versioned_and_encrypted(engine: Recorder) -> None:
    use_case(engine, "prod", changed("environments.prod.retention", {"predictions_days": 90, "audit_days": 730}))

    buckets = engine.of("s3:Bucket")
    assert len(buckets) == len(engine.of("s3:BucketPolicy")) == 2
    for inputs in buckets.values():
        assert inputs["versioningConfiguration"] == {"status": "Enabled"}
        assert set(inputs["publicAccessBlockConfiguration"].values()) == {True}
        (rule,) = inputs["bucketEncryption"]["serverSideEncryptionConfiguration"]
        assert rule["serverSideEncryptionByDefault"]["kmsMasterKeyId"] == PLATFORM["kmsKeyArn"]
    audit = next(one for one in buckets.values() if one.get("objectLockEnabled"))
    retention = audit["objectLockConfiguration"]["rule"]["defaultRetention"]
    assert retention == {"mode": "GOVERNANCE", "days": 730}
    data = next(one for one in buckets.values() if not one.get("objectLockEnabled"))
    rules = {rule["id"]: rule for rule in data["lifecycleConfiguration"]["rules"]}
    assert rules["captured-requests"]["expirationInDays"] == 90
    assert rules["captured-requests"]["prefix"] == "capture/churn-prod/"
    for inputs in engine.of("s3:BucketPolicy").values():
        refused = [one for one in inputs["policyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert any(one["Condition"].get("Bool") == {"aws:SecureTransport": "false"} for one in refused)


def test_given_people_when_run_then_each_persona_with_people_and_each_approver_has_a_role_within_the_boundary(
    engine: Recorder,
) -> None:
    use_case(engine, "prod", changed("environments.prod.approvers", ["vera", "otto"]))

    roles = engine.of("iam:Role")
    assert {inputs["roleName"].removeprefix("aifactory-churn-prod-") for inputs in roles.values()} == {
        "data-scientist",
        "approver.vera",
        "approver.otto",
        "release",
        "job",
        "service",
        "events",
    }
    assert {inputs["permissionsBoundary"] for inputs in roles.values()} == {PLATFORM["boundaryArn"]}


def test_given_subjects_of_a_forge_when_run_then_ci_has_roles_to_look_and_to_apply(engine: Recorder) -> None:
    subject = "repo:acme/churn:environment:prod"
    config = {"subjects": json.dumps({rights.READS: [subject], rights.APPLIES: [subject]})}

    use_case(engine, "prod", config=config)

    boundaries = {inputs["roleName"]: inputs.get("permissionsBoundary") for inputs in engine.of("iam:Role").values()}
    ci = {"aifactory-churn-prod-ci-read", "aifactory-churn-prod-ci-apply"}
    assert {role for role, boundary in boundaries.items() if boundary is None} == ci


def test_given_a_use_case_when_run_then_pipelines_are_shells_that_say_nothing_is_released(engine: Recorder) -> None:
    use_case(engine, "dev", changed("scoring", "both"))

    pipelines = engine.of("sagemaker:Pipeline")
    called = {inputs["pipelineName"] for inputs in pipelines.values()}
    assert called == {cloud_names.pipeline("churn-dev", work) for work in cloud_names.WORK}
    for inputs in pipelines.values():
        body = json.loads(inputs["pipelineDefinition"]["pipelineDefinitionBody"])
        assert [step["Type"] for step in body["Steps"]] == ["Fail"]


def test_given_rules_of_models_when_run_then_each_names_group_and_approval_status(engine: Recorder) -> None:
    use_case(engine, "prod")

    found = {inputs["name"]: inputs for inputs in engine.of("events:Rule").values()}
    for name, status in (("churn-prod-registered", "PendingManualApproval"), ("churn-prod-approved", "Approved")):
        detail = found[name]["eventPattern"]["detail"]
        assert detail == {"ModelPackageGroupName": ["churn-prod"], "ModelApprovalStatus": [status]}
    told = [target["arn"] for target in found["churn-prod-registered"]["targets"]]
    assert told == [
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:churn-prod-events",
        f"arn:aws:sns:{REGION}:{ACCOUNT}:churn_prod_vera",
    ]
    assert {target["deadLetterConfig"]["arn"] for one in found.values() for target in one["targets"]} == {
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:churn-prod-dead-letters"
    }


def test_given_data_in_a_bucket_when_run_then_new_objects_there_are_heard_of(engine: Recorder) -> None:
    use_case(engine, "dev", changed("environments.dev.data_source", "s3://lake/churn/"))

    rule = engine.of("events:Rule")["events-new-data"]
    assert rule["eventPattern"]["detail"] == {"bucket": {"name": ["lake"]}, "object": {"key": [{"prefix": "churn/"}]}}


def test_given_a_schedule_when_run_then_it_starts_its_pipeline_in_utc(engine: Recorder) -> None:
    use_case(engine, "dev")

    planned = {inputs["name"]: inputs for inputs in engine.of("scheduler:Schedule").values()}
    assert planned["churn-dev-train"]["scheduleExpression"] == "cron(0 3 ? * MON *)"
    assert planned["churn-dev-train"]["target"]["arn"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-dev"
    assert planned["churn-dev-tidy"]["scheduleExpression"] == "cron(23 3 * * ? *)"
    assert {one["scheduleExpressionTimezone"] for one in planned.values()} == {"UTC"}


def test_given_monitors_when_run_then_alarms_call_their_owners_and_two_roll_back(engine: Recorder) -> None:
    use_case(engine, "prod", changed("monitors.service.owner", "sven"))

    alarms = {inputs["alarmName"]: inputs for inputs in engine.of("cloudwatch:Alarm").values()}
    assert set(cloud_names.rollback_alarms("churn-prod")) <= set(alarms)
    sven, ana = (f"arn:aws:sns:{REGION}:{ACCOUNT}:churn_prod_{person}" for person in ("sven", "ana"))
    assert alarms["churn-prod-errors"]["alarmActions"] == [sven]
    assert alarms["churn-prod-data-problems"]["alarmActions"] == [ana]
    assert alarms["churn-prod-dead-letters"]["alarmActions"] == [ana]


def test_given_mail_under_notify_when_run_then_addresses_hear_what_their_person_is_called_for(engine: Recorder) -> None:
    mail = {"name": "m", "kind": "email", "server": "mail.example.com", "sender": "f@example.com"}
    recipients = ["vera@example.com", "team@example.com"]

    use_case(engine, "prod", changed("environments.prod.notify", [{**mail, "recipients": recipients}]))

    heard = {inputs["endpoint"]: inputs["topicArn"] for inputs in engine.of("sns:Subscription").values()}
    assert {address: topic.rpartition("_")[2] for address, topic in heard.items()} == {
        "vera@example.com": "vera",
        "team@example.com": "ana",
    }


def test_given_a_budget_when_run_then_its_owner_is_told_at_50_80_and_100_percent(engine: Recorder) -> None:
    use_case(engine, "prod", changed("environments.prod.budget_month", 500))
    (budget,) = engine.of("budgets:Budget").values()
    assert [one["notification"]["threshold"] for one in budget["notificationsWithSubscribers"]] == [50, 80, 100]

    again = Recorder()
    use_case(again, "prod")
    assert again.of("budgets:Budget") == {}


def test_given_a_data_scientist_when_run_then_they_have_a_private_space_in_the_domain(engine: Recorder) -> None:
    use_case(engine, "dev", changed("people", {"data-scientist": ["ben"]}))

    spaces = {inputs["spaceName"]: inputs for inputs in engine.of("sagemaker:Space").values()}
    assert set(spaces) == {"churn--dev--ana", "churn--dev--ben"}
    assert {one["spaceSharingSettings"]["sharingType"] for one in spaces.values()} == {"Private"}
    (role,) = {one["userSettings"]["executionRole"] for one in engine.of("sagemaker:UserProfile").values()}
    assert role.endswith(":role/aifactory-churn-dev-data-scientist")

    without = Recorder()
    use_case(without, "dev", domainId=None)
    assert without.of("sagemaker:Space") == {}


def test_given_the_dashboard_when_run_then_it_shows_what_it_is_asked_to(engine: Recorder) -> None:
    use_case(engine, "prod")

    (page,) = engine.of("cloudwatch:Dashboard").values()
    shown = json.loads(page["dashboardBody"])["widgets"]
    titles = " ".join(one["properties"].get("title", "") for one in shown)
    for asked in ("Experiments", "requests and errors", "Errors in logs", "champion", "compute", "GPUs", "Storage"):
        assert asked in titles
    assert all(one["x"] + one["width"] <= 24 for one in shown)


def test_given_dev_when_an_endpoint_is_asked_for_then_there_is_one(engine: Recorder) -> None:
    exports = use_case(engine, "dev", changed("environments.dev.endpoint", True))

    assert exports["endpoint_name"] == "churn-dev"
    assert (
        exports["endpoint_url"] == f"https://runtime.sagemaker.{REGION}.amazonaws.com/endpoints/churn-dev/invocations"
    )
    assert "alarms-errors" in engine.of("cloudwatch:Alarm")


def test_given_scoring_of_batches_only_when_run_then_nothing_of_an_endpoint_is_there(engine: Recorder) -> None:
    exports = use_case(engine, "prod", changed("scoring", "batch"))

    assert exports["endpoint_name"] is exports["endpoint_url"] is None
    assert "alarms-errors" not in engine.of("cloudwatch:Alarm")
    assert "workspace-endpoint-logs" not in engine.of("logs:LogGroup")
    assert "pipeline-score" in engine.of("sagemaker:Pipeline")


def test_given_a_retired_use_case_when_run_then_data_and_access_stay_and_nothing_starts(engine: Recorder) -> None:
    exports = use_case(engine, "prod", config={"retired": "replaced"})

    assert exports["retired"] == "replaced" and exports["endpoint_name"] is None
    assert engine.of("s3:Bucket") and engine.of("iam:Role") and engine.of("sagemaker:ModelPackageGroup")
    for kind in ("events:Rule", "scheduler:Schedule", "pipes:Pipe", "cloudwatch:Alarm", "sagemaker:Space"):
        assert engine.of(kind) == {}, kind


def test_given_the_longest_name_when_run_then_names_are_cut_with_the_fixed_suffix(engine: Recorder) -> None:
    exports = use_case(engine, "staging", changed("use_case", "a" * 40) | {"models": [{"name": "a" * 40}]})

    bucket = next(
        inputs["bucketName"] for inputs in engine.of("s3:Bucket").values() if "objectLockEnabled" not in inputs
    )
    assert bucket == f"{'a' * 34}-{bucket[35:43]}-{ACCOUNT}"
    assert exports["endpoint_name"] == "a" * 40 + "-staging"
    for kind, key, limit in (
        ("s3:Bucket", "bucketName", 63),
        ("iam:Role", "roleName", 64),
        ("events:Rule", "name", 64),
    ):
        assert all(len(inputs[key]) <= limit for inputs in engine.of(kind).values())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("data_classification", "confidential", "has none: write network: private under prod in platform.yaml"),
        ("team", "R&D", "team: 'R&D' becomes a tag, and AWS takes no '&' in one"),
        (
            "environments.prod.batch",
            {"schedule": "0 3 */2 * 1"},
            "environments.prod.batch.schedule: AWS has no word for",
        ),
        ("environments.prod.compute", {"engine": "dask"}, "target: aws brings no Dask cluster; leave compute out"),
        ("environments.prod.budget_month", 1, "environments.prod.budget_month: a month is charged at"),
    ],
)
def test_given_what_aws_does_not_give_when_run_then_it_is_refused_before_anything_is_made(
    engine: Recorder, path: str, value: object, said: str
) -> None:
    manifest = changed(path, value) | {"scoring": "both"}

    with pytest.raises(pulumi.RunError) as refused:
        use_case(engine, "prod", manifest)

    assert said in str(refused.value)
    assert [kind for kind, _, _ in engine.asked if not kind.startswith("pulumi:")] == []


def test_given_an_unknown_size_when_run_then_the_valid_ones_are_listed(engine: Recorder) -> None:
    with pytest.raises(pulumi.RunError, match="'small', 'medium' or 'large'"):
        use_case(engine, "prod", changed("environments.prod.size", "huge"))


def test_given_confidential_data_and_a_private_network_when_run_then_it_is_built(engine: Recorder) -> None:
    manifest = changed("data_classification", "confidential")

    assert use_case(engine, "prod", manifest, vpc=VPC)["endpoint_name"] == "churn-prod"


def test_given_a_platform_of_before_when_run_then_the_missing_output_is_named(engine: Recorder) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"PlatformOutputs\.boundaryArn: Field required: run factory up --platform"
    ):
        use_case(
            engine, "prod", config={"platform": json.dumps({k: v for k, v in PLATFORM.items() if k != "boundaryArn"})}
        )


def test_given_a_forges_jobs_when_run_then_they_open_the_state_by_the_key_of_its_alias_alone(engine: Recorder) -> None:
    use_case(engine, "dev", config={"subjects": json.dumps({rights.READS: ["repo:acme/churn:pull_request"]})})

    (policy,) = engine.of("iam:Role")["access-ci-read"]["policies"]
    opens = next(one for one in policy["policyDocument"]["Statement"] if one["Sid"] == "StateOpens")
    assert opens["Resource"] == [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"]
    assert opens["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aifactory-state"}}


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_a_use_case_when_its_resources_are_checked_then_no_policy_objects(
    engine: Recorder, environment: str
) -> None:
    use_case(engine, environment, changed(f"environments.{environment}.budget_month", 500))

    made = [(f"aws-native:{kind}", name, inputs) for kind, name, inputs in engine.asked if ":" in kind]
    found = {
        (name, policy): sentences
        for kind, name, inputs in made
        if not kind.startswith("aws-native:aifactory:")
        for policy, rule in aws_rules.RULES.items()
        # A recorder is not told the options, such as protection.
        if (sentences := list(rule(aws_rules.Seen(kind, inputs, True, frozenset({"tags"}), None))))
    }
    assert len(made) > 30
    assert found == {}
