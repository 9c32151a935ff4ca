"""`factory status | logs | open | doctor aws` of a use case on AWS, asked of servers that answer as AWS does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from aifactory.home import Home
from aifactory.provision.diagnosis import Finding
from aifactory.provision.plan import Place
from aifactory.status.logs import Wanted
from aifactory.targets import aws as operations
from aifactory.targets.on_aws import forge
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.conventions import names as conventions
from tests.clouds.fixtures import account
from tests.fixtures.usecase_repo import commit, git
from tests.unit.runtime.contract.test_manifest import VALID

GROUP = "/aifactory/churn/prod"


@pytest.fixture
def place(aws: str, tmp_path: Path) -> Place:
    """A repo whose prod was applied, beside the platform's outputs."""
    assert aws
    repo, platform = tmp_path / "churn", tmp_path / "platform-bucket"
    (platform / "platform").mkdir(parents=True)
    for name in ("dev", "staging", "prod"):
        (platform / "platform" / f"{name}.json").write_text(json.dumps(outputs(name)))
    (repo / ".factory").mkdir(parents=True)
    said = {**VALID, "target": "aws", "platform": str(platform)}
    (repo / "factory.yaml").write_text(yaml.safe_dump(said))
    (repo / ".copier-answers.yml").write_text(
        "_commit: v0.3.0\n_src_path: https://example.org/factory.git\nforge: github\n"
    )
    contract = account.contract(
        endpoint_name="churn-prod", pipeline_name="churn-prod", logs_uri=f"cloudwatch:{GROUP}", endpoint_url="https://e"
    )
    (repo / ".factory" / "prod.json").write_text(contract.model_dump_json())
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "Start")
    return Place(Home(tmp_path / "home"), repo, Manifest.model_validate(said))


def outputs(environment: str, number: str = account.NUMBER) -> dict[str, Any]:
    arn = f"arn:aws:{{}}:{account.REGION}:{number}:"
    return {
        "environment": environment,
        "account": number,
        "region": account.REGION,
        "bucket": "acme-platform",
        "kmsKeyArn": arn.format("kms") + "key/1",
        "repositoryUri": "x/aifactory",
        "mlflowArn": account.APP_ARN,
        "mlflowUrl": "https://mlflow",
        "oidcProviderArn": f"arn:aws:iam::{number}:oidc-provider/token.actions.githubusercontent.com",
        "boundaryArn": f"arn:aws:iam::{number}:policy/boundary",
        "auditTrail": "trail",
        "topicArn": arn.format("sns") + "topic",
    }


@pytest.fixture
def bucket() -> Iterator[Any]:
    s3: Any = boto3.client("s3")
    s3.create_bucket(Bucket=account.BUCKET, CreateBucketConfiguration={"LocationConstraint": account.REGION})
    yield s3
    for one in s3.list_objects_v2(Bucket=account.BUCKET).get("Contents", []):
        s3.delete_object(Bucket=account.BUCKET, Key=one["Key"])
    s3.delete_bucket(Bucket=account.BUCKET)


def test_given_nothing_released_yet_when_status_is_asked_then_it_says_so_of_each_part(place: Place) -> None:
    (row,) = operations.status(place).values["serving"]
    assert row == {
        **{"use_case": "churn", "environment": "prod", "address": "https://e", "alarms": ""},
        **{"released": "nothing yet", "endpoint": "not there yet", "registered": "none", "last_run": "none"},
    }


def test_given_a_repo_that_was_never_applied_when_status_is_asked_then_it_says_what_to_do(place: Place) -> None:
    assert place.repo is not None
    (place.repo / ".factory" / "prod.json").unlink()
    assert operations.status(place).nothing == "nothing of churn is known in dev, staging, prod: factory up"


def test_given_a_release_and_an_alarm_when_status_is_asked_then_both_are_shown(place: Place, bucket: Any) -> None:
    document = {"sequence": 1, "champion": {"version": "3"}}
    bucket.put_object(Bucket=account.BUCKET, Key="serving/serving.json", Body=json.dumps(document).encode())
    sagemaker: Any = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=account.GROUP, ModelPackageGroupDescription="churn")
    sagemaker.create_model_package(ModelPackageGroupName=account.GROUP, ModelApprovalStatus="Approved")
    watch: Any = boto3.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="churn-prod-errors",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Errors",
        Namespace="x",
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )
    watch.set_alarm_state(AlarmName="churn-prod-errors", StateValue="ALARM", StateReason="test")

    found = operations.status(place)

    (row,) = found.values["serving"]
    assert (row["released"], row["registered"], row["alarms"]) == ("3", "1, Approved", "churn-prod-errors")
    assert found.notes == ["prod: churn-prod-errors is on: factory open shows the dashboard"]
    assert found.tables[0].rows[0][2] == "3"
    watch.delete_alarms(AlarmNames=["churn-prod-errors"])


def test_given_logs_when_followed_then_last_lines_come_first_and_new_ones_once(place: Place) -> None:
    with pytest.raises(FactoryError, match="nothing of churn has written a log yet"):
        list(operations.logs(place, Wanted(), 5, follow=False))
    logs: Any = boto3.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="job-1")

    def put(*messages: str) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": one} for number, one in enumerate(messages)]
        logs.put_log_events(logGroupName=GROUP, logStreamName="job-1", logEvents=events)

    put("first", "second", "third")
    shown = operations.logs(place, Wanted("churn", "prod"), 2, follow=False)
    assert [(one.source, one.line) for one in shown] == [
        (f"churn.prod {GROUP} job-1", "second"),
        (f"churn.prod {GROUP} job-1", "third"),
    ]
    time.sleep(0.01)
    following = operations.logs(place, Wanted(None, "prod"), 1, follow=True)
    assert next(following).line == "third"
    put("fourth", "fifth")
    assert [next(following).line, next(following).line] == ["fourth", "fifth"]
    logs.delete_log_group(logGroupName=GROUP)


@pytest.mark.parametrize(("wanted", "said"), [(Wanted("other"), "not the use case"), (Wanted(None, "qa"), "qa is not")])
def test_given_logs_of_what_is_not_there_when_asked_then_it_is_refused(place: Place, wanted: Wanted, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        operations.logs(place, wanted, 1, follow=False)


QUOTAS = [{"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-1", "Value": 1.0}]


class Quotas(BaseHTTPRequestHandler):
    """Answers ListServiceQuotas, which the stand-in lacks."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"Quotas": QUOTAS}).encode())

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def quotas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quotas)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", f"http://127.0.0.1:{server.server_address[1]}")
    yield
    server.shutdown()
    server.server_close()


class Presigning(BaseHTTPRequestHandler):
    """Answers CreatePresignedMlflowAppUrl, which the stand-in lacks."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["X-Amz-Target"] == "SageMaker.CreatePresignedMlflowAppUrl"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"AuthorizedUrl": f"https://signed/{asked['Arn']}"}).encode())

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


def test_given_open_then_the_consoles_pages_and_an_address_that_logs_in_are_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {one.page: one.url for one in operations.open(place, None, None)}
    console = f"https://{account.REGION}.console.aws.amazon.com"
    assert pages["endpoint churn.prod"] == f"{console}/sagemaker/home?region={account.REGION}#/endpoints/churn-prod"
    assert pages["logs churn.prod"].endswith("log-group/$252Faifactory$252Fchurn$252Fprod")
    assert [*pages] == ["dashboard churn.prod", "logs churn.prod", "endpoint churn.prod", "mlflow churn.prod"]
    with pytest.raises(UsageProblem, match="factory open dagster has no meaning with target: aws"):
        operations.open(place, "dagster", None)
    with pytest.raises(FactoryError, match="nothing of churn is known in dev: factory up"):
        operations.open(place, "mlflow", "dev")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Presigning)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", f"http://127.0.0.1:{server.server_address[1]}")
    (found,) = operations.open(place, "mlflow", "churn.prod")
    server.shutdown()
    server.server_close()
    assert found.url == f"https://signed/{account.APP_ARN}"


def by_part(found: list[Finding]) -> dict[str, Finding]:
    return {one.part: one for one in found}


@pytest.mark.usefixtures("quotas")
def test_given_an_account_when_doctor_looks_then_each_line_that_is_wrong_has_its_command(
    place: Place, bucket: Any
) -> None:
    found = by_part(operations.doctor(place))

    assert found["login"].found == f"moto of account {account.NUMBER}"
    assert found["account"].good and found["region"].found == account.REGION
    assert found["platform prod"].found == f"account {account.NUMBER}, {account.REGION}"
    assert found["bucket prod"] == Finding("bucket prod", True, f"{account.BUCKET}, applied")
    assert found["quota ml.m5.large"].found == "1 endpoints' machines, 2 wanted"
    assert found["quota ml.m5.large"].mend.endswith("--quota-code L-1 --desired-value 2")
    assert found["OIDC provider"].mend == "factory bootstrap aws, in the company's factory repo"
    assert found["subject"].mend == "git remote add origin ADDRESS, then this again"
    assert all(one.mend for one in found.values() if not one.good)
    assert bucket is not None

    iam: Any = boto3.client("iam")
    iam.create_open_id_connect_provider(Url=f"https://{forge._ISSUERS['github']}", ThumbprintList=["0" * 40])
    assert place.repo is not None
    git(place.repo, "remote", "add", "origin", "git@github.com:acme/churn.git")
    again = by_part(operations.doctor(place))
    assert again["OIDC provider"].good
    assert "subject" not in again
    said = [one.found for one in operations.doctor(place) if one.part == "subject prod"]
    assert [one.partition(" ")[0] for one in said] == [
        "repo:acme/churn:environment:prod",
        "repo:acme@OWNER_ID/churn@REPO_ID:environment:prod",
    ]
    assert "git config factory.github-ids $(gh api repos/acme/churn" in said[1]
    role = f"arn:aws:iam::{account.NUMBER}:role/{conventions.cloud_role('release', 'churn', 'prod')}"
    assert again["role prod"].found == f"{role} (AWS_ROLE_ARN of CI)"
    for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=one["Arn"])


@pytest.mark.usefixtures("quotas")
def test_given_another_account_and_no_platform_when_doctor_looks_then_both_are_named(place: Place) -> None:
    assert place.manifest is not None
    folder = Path(str(place.manifest.platform)) / "platform"
    (folder / "dev.json").write_text(json.dumps(outputs("dev", "210987654321")))
    (folder / "staging.json").unlink()
    (folder / "prod.json").unlink()

    found = by_part(operations.doctor(place))

    assert not found["account"].good
    assert found["account"].found == f"{account.NUMBER}, the platform's are 210987654321"
    assert "aws sso login --profile" in found["account"].mend
    assert found["platform prod"].mend == "factory up prod, in the company's factory repo"
    assert not found["bucket prod"].good, "it was applied and is gone"


def test_given_no_login_when_doctor_looks_then_that_is_all_it_says(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (only,) = operations.doctor(place)
    assert (only.part, only.good, only.mend) == ("login", False, "aws sso login, or set AWS_PROFILE")
