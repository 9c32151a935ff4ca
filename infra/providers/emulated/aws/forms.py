"""The documented forms of what AWS sets: ids, ARNs, addresses, states. A new resource type gets its line here.

In a form, `{...}` is an input or an earlier output by CloudFormation's name, or `account`, `region`, `suffix`, `hex8`,
`hex17`, `word12`, `upper17`, `uuid`, `now`, `date`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.providers.emulated.vendor import Place
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.values import has_unknown

_SAGEMAKER = "arn:aws:sagemaker:{region}:{account}"
_WORD = "abcdefghijklmnopqrstuvwxyz0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

FORMS: dict[str, dict[str, Any]] = {
    "ApplicationAutoScaling::ScalableTarget": {"Id": "{ResourceId}|{ScalableDimension}|{ServiceNamespace}"},
    "ApplicationAutoScaling::ScalingPolicy": {
        "Arn": "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid}:resource/sagemaker:policyName/{PolicyName}"
    },
    "AccessAnalyzer::Analyzer": {"Arn": "arn:aws:access-analyzer:{region}:{account}:analyzer/{AnalyzerName}"},
    "Budgets::Budget": {"Id": "{Budget.BudgetName}"},
    "Budgets::BudgetsAction": {"ActionId": "{uuid}"},
    "CE::AnomalyMonitor": {
        "MonitorArn": "arn:aws:ce::{account}:anomalymonitor/{uuid}",
        "CreationDate": "{date}",
        "LastEvaluatedDate": "NOT_EVALUATED_YET",
        "LastUpdatedDate": "{date}",
        "DimensionalValueCount": 0,
    },
    "CE::AnomalySubscription": {
        "SubscriptionArn": "arn:aws:ce::{account}:anomalysubscription/{uuid}",
        "AccountId": "{account}",
    },
    "CloudTrail::Trail": {"Arn": "arn:aws:cloudtrail:{region}:{account}:trail/{TrailName}", "SnsTopicArn": None},
    "CloudWatch::Alarm": {"Arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}"},
    "CloudWatch::CompositeAlarm": {"Arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}"},
    "Config::ConfigRule": {
        "ConfigRuleId": "config-rule-{word6}",
        "Arn": "arn:aws:config:{region}:{account}:config-rule/{ConfigRuleId}",
    },
    "EC2::FlowLog": {"Id": "fl-{hex17}"},
    "EC2::NetworkAcl": {"Id": "acl-{hex17}"},
    "EC2::RouteTable": {"RouteTableId": "rtb-{hex17}"},
    "EC2::SecurityGroup": {"GroupId": "sg-{hex17}", "Id": "{GroupId}"},
    "EC2::SecurityGroupEgress": {"Id": "sgr-{hex17}"},
    "EC2::SecurityGroupIngress": {"Id": "sgr-{hex17}"},
    "EC2::Subnet": {
        "SubnetId": "subnet-{hex17}",
        "NetworkAclAssociationId": "aclassoc-{hex17}",
        "Ipv6CidrBlocks": [],
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
    },
    "EC2::SubnetRouteTableAssociation": {"Id": "rtbassoc-{hex17}"},
    "EC2::VPC": {
        "VpcId": "vpc-{hex17}",
        "CidrBlockAssociations": ["vpc-cidr-assoc-{hex17}"],
        "DefaultNetworkAcl": "acl-{hex17}",
        "DefaultSecurityGroup": "sg-{hex17}",
        "Ipv6CidrBlocks": [],
    },
    "EC2::VPCEndpoint": {
        "Id": "vpce-{hex17}",
        "CreationTimestamp": "{now}",
        "NetworkInterfaceIds": ["eni-{hex17}"],
        "DnsEntries": ["{uuid}:{Id}-{word8}.{ServiceName}.vpce.amazonaws.com"],
    },
    "ECR::Repository": {
        "Arn": "arn:aws:ecr:{region}:{account}:repository/{RepositoryName}",
        "RepositoryUri": "{account}.dkr.ecr.{region}.{suffix}/{RepositoryName}",
    },
    "ECR::RegistryPolicy": {"RegistryId": "{account}"},
    "ECR::RegistryScanningConfiguration": {"RegistryId": "{account}"},
    "ECR::ReplicationConfiguration": {"RegistryId": "{account}"},
    "Events::Archive": {"Arn": "arn:aws:events:{region}:{account}:archive/{ArchiveName}"},
    "Events::ApiDestination": {
        "Arn": "arn:aws:events:{region}:{account}:api-destination/{Name}/{uuid}",
        "ArnForPolicy": "arn:aws:events:{region}:{account}:api-destination/{Name}",
    },
    "Events::Connection": {
        "Arn": "arn:aws:events:{region}:{account}:connection/{Name}/{uuid}",
        "ArnForPolicy": "arn:aws:events:{region}:{account}:connection/{Name}",
        "SecretArn": "arn:aws:secretsmanager:{region}:{account}:secret:events!connection/{Name}/{uuid}-{word6}",
    },
    "Events::EventBus": {"Arn": "arn:aws:events:{region}:{account}:event-bus/{Name}"},
    "Events::Rule": {"RuleName": "{Name}", "Arn": "arn:aws:events:{region}:{account}:rule/{Name}"},
    "IAM::Group": {"Arn": "arn:aws:iam::{account}:group/{GroupName}"},
    "IAM::ManagedPolicy": {
        "PolicyArn": "arn:aws:iam::{account}:policy/{ManagedPolicyName}",
        "AttachmentCount": 0,
        "CreateDate": "{now}",
        "DefaultVersionId": "v1",
        "IsAttachable": True,
        "PermissionsBoundaryUsageCount": 0,
        "PolicyId": "ANPA{upper17}",
        "UpdateDate": "{now}",
    },
    "IAM::OIDCProvider": {"Arn": "arn:aws:iam::{account}:oidc-provider/{Url}"},
    "IAM::Role": {"Arn": "arn:aws:iam::{account}:role/{RoleName}", "RoleId": "AROA{upper17}"},
    "IAM::User": {"Arn": "arn:aws:iam::{account}:user/{UserName}"},
    "KMS::Key": {"KeyId": "{uuid}", "Arn": "arn:aws:kms:{region}:{account}:key/{KeyId}"},
    "Lambda::Function": {
        "Arn": "arn:aws:lambda:{region}:{account}:function:{FunctionName}",
        "SnapStartResponse": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    },
    "Lambda::Permission": {"Id": "{uuid}"},
    "Logs::LogGroup": {"Arn": "arn:aws:logs:{region}:{account}:log-group:{LogGroupName}:*"},
    "Logs::QueryDefinition": {"QueryDefinitionId": "{uuid}"},
    "Pipes::Pipe": {
        "Arn": "arn:aws:pipes:{region}:{account}:pipe/{Name}",
        "CreationTime": "{now}",
        "CurrentState": "RUNNING",
        "LastModifiedTime": "{now}",
        "StateReason": "",
    },
    "ResourceGroups::Group": {"Arn": "arn:aws:resource-groups:{region}:{account}:group/{Name}"},
    "S3::AccessPoint": {
        "Alias": "{Name}-{word12}-s3alias",
        "NetworkOrigin": "Internet",
        "Arn": "arn:aws:s3:{region}:{account}:accesspoint/{Name}",
    },
    "S3::Bucket": {
        "Arn": "arn:aws:s3:::{BucketName}",
        "DomainName": "{BucketName}.s3.{suffix}",
        "DualStackDomainName": "{BucketName}.s3.dualstack.{region}.{suffix}",
        "RegionalDomainName": "{BucketName}.s3.{region}.{suffix}",
        "WebsiteURL": "http://{BucketName}.s3-website-{region}.{suffix}",
    },
    "SNS::Subscription": {"Arn": "{TopicArn}:{uuid}"},
    "SNS::Topic": {"TopicArn": "arn:aws:sns:{region}:{account}:{TopicName}"},
    "SNS::TopicPolicy": {"Id": "{word12}"},
    "SQS::Queue": {
        "QueueUrl": "https://sqs.{region}.{suffix}/{account}/{QueueName}",
        "Arn": "arn:aws:sqs:{region}:{account}:{QueueName}",
    },
    "SSM::Parameter": {"Arn": "arn:aws:ssm:{region}:{account}:parameter/{Name}"},
    "SageMaker::App": {
        "AppArn": f"{_SAGEMAKER}:app/{{DomainId}}/{{UserProfileName}}/{{AppType}}/{{AppName}}",
        "BuiltInLifecycleConfigArn": None,
    },
    "SageMaker::AppImageConfig": {"AppImageConfigArn": f"{_SAGEMAKER}:app-image-config/{{AppImageConfigName}}"},
    "SageMaker::Domain": {
        "DomainId": "d-{word12}",
        "DomainArn": f"{_SAGEMAKER}:domain/{{DomainId}}",
        "HomeEfsFileSystemId": "fs-{hex17}",
        "SecurityGroupIdForDomainBoundary": "sg-{hex17}",
        "SingleSignOnManagedApplicationInstanceId": "ins-{hex16}",
        "SingleSignOnApplicationArn": "arn:aws:sso::{account}:application/ssoins-{hex16}/apl-{hex16}",
        "Url": "https://{DomainId}.studio.{region}.sagemaker.aws",
    },
    "SageMaker::Endpoint": {"EndpointArn": f"{_SAGEMAKER}:endpoint/{{EndpointName}}"},
    "SageMaker::EndpointConfig": {"EndpointConfigArn": f"{_SAGEMAKER}:endpoint-config/{{EndpointConfigName}}"},
    "SageMaker::FeatureGroup": {"CreationTime": "{now}", "FeatureGroupStatus": "Created"},
    "SageMaker::Image": {"ImageArn": f"{_SAGEMAKER}:image/{{ImageName}}"},
    "SageMaker::MlflowApp": {
        "MlflowAppId": "app-{upper17}",
        "Arn": f"{_SAGEMAKER}:mlflow-app/{{MlflowAppId}}",
        "Status": "Created",
        "MlflowVersion": "3.0.0",
        "CreationTime": "{now}",
        "LastModifiedTime": "{now}",
    },
    "SageMaker::MlflowTrackingServer": {
        "TrackingServerArn": f"{_SAGEMAKER}:mlflow-tracking-server/{{TrackingServerName}}"
    },
    "SageMaker::Model": {"ModelArn": f"{_SAGEMAKER}:model/{{ModelName}}"},
    "SageMaker::ModelPackageGroup": {
        "ModelPackageGroupArn": f"{_SAGEMAKER}:model-package-group/{{ModelPackageGroupName}}",
        "CreationTime": "{now}",
        "ModelPackageGroupStatus": "Completed",
    },
    "SageMaker::MonitoringSchedule": {
        "MonitoringScheduleArn": f"{_SAGEMAKER}:monitoring-schedule/{{MonitoringScheduleName}}",
        "CreationTime": "{now}",
        "LastModifiedTime": "{now}",
    },
    **{
        f"SageMaker::{kind}JobDefinition": {
            "CreationTime": "{now}",
            "JobDefinitionArn": f"{_SAGEMAKER}:{path}-job-definition/{{JobDefinitionName}}",
        }
        for kind, path in (
            ("DataQuality", "data-quality"),
            ("ModelQuality", "model-quality"),
            ("ModelBias", "model-bias"),
            ("ModelExplainability", "model-explainability"),
        )
    },
    "SageMaker::Space": {
        "SpaceArn": f"{_SAGEMAKER}:space/{{DomainId}}/{{SpaceName}}",
        "Url": "https://{word12}.studio.{region}.sagemaker.aws/jupyterlab/default",
    },
    "SageMaker::StudioLifecycleConfig": {
        "StudioLifecycleConfigArn": f"{_SAGEMAKER}:studio-lifecycle-config/{{StudioLifecycleConfigName}}"
    },
    "SageMaker::UserProfile": {"UserProfileArn": f"{_SAGEMAKER}:user-profile/{{DomainId}}/{{UserProfileName}}"},
    "Scheduler::Schedule": {"Arn": "arn:aws:scheduler:{region}:{account}:schedule/{GroupName}/{Name}"},
    "Scheduler::ScheduleGroup": {
        "Arn": "arn:aws:scheduler:{region}:{account}:schedule-group/{Name}",
        "CreationDate": "{now}",
        "LastModificationDate": "{now}",
        "State": "ACTIVE",
    },
    "SecretsManager::Secret": {"Id": "arn:aws:secretsmanager:{region}:{account}:secret:{Name}-{word6}"},
    "StepFunctions::StateMachine": {
        "Arn": "arn:aws:states:{region}:{account}:stateMachine:{StateMachineName}",
        "Name": "{StateMachineName}",
        "StateMachineRevisionId": "{uuid}",
    },
}
"""Resource type without `AWS::` to the form of each output, in the order in which they are made; None: it has none."""

_DEFAULTS = {"GroupName": "default", "Budget.BudgetName": ""}
"""What AWS takes where an input that a form needs was not given."""


def outputs(type_name: str, inputs: Mapping[str, Any], made: list[str], place: Place) -> dict[str, Any]:
    """Everything in `made`; Failure when the type or one of its outputs has no form here."""
    forms = FORMS.get(type_name.removeprefix("AWS::"), {})
    if missing := [name for name in made if name not in forms]:
        raise Failure(f"{type_name}: the emulation knows no form of {', '.join(missing)}: add it to aws/forms.py")
    known: dict[str, Any] = {**_DEFAULTS, **_flat(inputs)}
    found: dict[str, Any] = {}
    for name, form in forms.items():
        if form is not None and name in made:
            found[name] = known[name] = _filled(form, _Words(known, place))
    return found


def _flat(inputs: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Inputs and what is in them, as `Budget.BudgetName`; a URL without what ARNs leave out."""
    found: dict[str, Any] = {}
    for key, value in inputs.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        elif not has_unknown(value):
            found[f"{before}{key}"] = str(value).removeprefix("https://").strip("/") if key in _BARE else value
    return found


_BARE = {"Url", "Name"}
"""Inputs whose scheme and outer slashes are no part of an ARN."""


def _filled(form: Any, words: _Words) -> Any:
    if isinstance(form, str):
        return _Form(form).filled(words)
    if isinstance(form, list):
        return [_filled(item, words) for item in form]
    if isinstance(form, Mapping):
        return {key: _filled(item, words) for key, item in form.items()}
    return form


class _Form(str):
    """A string whose places in braces are filled by name, dots and all."""

    __slots__ = ()

    def filled(self, words: _Words) -> str:
        text = str(self)
        while "{" in text:
            start, end = text.index("{"), text.index("}")
            text = f"{text[:start]}{words[text[start + 1 : end]]}{text[end + 1 :]}"
        return text


class _Words:
    """What stands in the braces of a form."""

    def __init__(self, known: Mapping[str, Any], place: Place) -> None:
        self._known = known
        self._place = place

    def __getitem__(self, word: str) -> str:
        if word in self._known:
            return str(self._known[word])
        if word in {"account", "region"}:
            return str(getattr(self._place, word))
        return made_up(word, self._place.region)


def suffix(region: str) -> str:
    """End of the addresses of a region."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def made_up(word: str, region: str) -> str:
    """A new id of the kind that the word names, such as `hex17`; Failure for an input that is not there."""
    kind, digits = word.rstrip("0123456789"), word[len(word.rstrip("0123456789")) :]
    now = datetime.now(UTC)
    fixed = {
        "uuid": lambda: str(uuid.uuid4()),
        "now": lambda: now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "date": lambda: now.strftime("%Y-%m-%d"),
        "suffix": lambda: suffix(region),
    }
    letters = {"hex": "0123456789abcdef", "word": _WORD, "upper": _UPPER}
    if word in fixed:
        return fixed[word]()
    if kind in letters and digits:
        return "".join(secrets.choice(letters[kind]) for _ in range(int(digits)))
    raise Failure(f"{word} is needed for what AWS sets, and was not given")
