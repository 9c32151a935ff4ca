"""Component Network: subnets without a way out; where it is private, the vendor's services by endpoints inside."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform.documents import policy

INSIDE = (
    *("sagemaker.api", "sagemaker.runtime", "ecr.api", "ecr.dkr", "logs", "sts", "kms", "events", "monitoring"),
    *("sns", "application-autoscaling"),
)
"""Services with an endpoint in the private network; each bills by the hour and zone, used or not."""
HTTPS = 443
_SUBNET_BITS = 3


class Network(Part):
    """A network with a subnet in each zone. There is no gateway: what has no endpoint here cannot be reached."""

    def __init__(
        self,
        name: str,
        *,
        region: str,
        address_range: str,
        zones: Sequence[str],
        private: bool,
        accounts: Sequence[str],
        more: Sequence[str] = (),
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`accounts`: whose buckets can be reached; `more`: further services with an endpoint."""
        super().__init__(name, opts)
        self._region, self._range, self._tags = region, address_range, tagged(tags)
        self.vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=address_range,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tags,
            opts=self.child(),
        )
        self.id: pulumi.Output[str] = self.vpc.vpc_id
        self._routes = aws.ec2.RouteTable(f"{name}-routes", vpc_id=self.id, tags=self._tags, opts=self.child())
        self.subnet_ids = [self._subnet(zone, cidr) for zone, cidr in zip(zones, self._cidrs(), strict=False)]
        self.work_group_id: pulumi.Output[str] = self._work_group().group_id
        if private:
            self._endpoints(accounts, more)
        self.register_outputs({"id": self.id})

    def _cidrs(self) -> list[str]:
        return [str(one) for one in ipaddress.ip_network(self._range).subnets(prefixlen_diff=_SUBNET_BITS)]

    def _subnet(self, zone: str, cidr: str) -> pulumi.Output[str]:
        subnet = aws.ec2.Subnet(
            f"{self._name}-{zone}",
            vpc_id=self.id,
            cidr_block=cidr,
            availability_zone=f"{self._region}{zone}",
            map_public_ip_on_launch=False,
            tags=self._tags,
            opts=self.child(),
        )
        aws.ec2.SubnetRouteTableAssociation(
            f"{self._name}-{zone}-routes",
            subnet_id=subnet.subnet_id,
            route_table_id=self._routes.route_table_id,
            opts=self.child(),
        )
        found: pulumi.Output[str] = subnet.subnet_id
        return found

    def _work_group(self) -> aws.ec2.SecurityGroup:
        """Jobs, endpoints and workspaces: among themselves, and out by TLS to what has a route."""
        group = aws.ec2.SecurityGroup(
            f"{self._name}-work",
            group_description="Jobs, endpoints and workspaces of the AI Factory",
            vpc_id=self.id,
            security_group_egress=[
                aws.ec2.SecurityGroupEgressArgs(
                    ip_protocol="tcp",
                    from_port=HTTPS,
                    to_port=HTTPS,
                    cidr_ip="0.0.0.0/0",
                    description="TLS; only endpoints of this network have a route",
                )
            ],
            tags=self._tags,
            opts=self.child(),
        )
        aws.ec2.SecurityGroupIngress(
            f"{self._name}-among-themselves",
            group_id=group.group_id,
            source_security_group_id=group.group_id,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
            description="Workers of one job, apps of one workspace",
            opts=self.child(),
        )
        aws.ec2.SecurityGroupEgress(
            f"{self._name}-to-each-other",
            group_id=group.group_id,
            destination_security_group_id=group.group_id,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
            description="Workers of one job, apps of one workspace",
            opts=self.child(),
        )
        return group

    def _endpoints(self, accounts: Sequence[str], more: Sequence[str]) -> None:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-doors",
            group_description="Endpoints of services of the vendor",
            vpc_id=self.id,
            security_group_ingress=[
                aws.ec2.SecurityGroupIngressArgs(
                    ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, cidr_ip=self._range, description="TLS from here"
                )
            ],
            tags=self._tags,
            opts=self.child(),
        )
        named = {service: f"com.amazonaws.{self._region}.{service}" for service in INSIDE}
        for service, full in (*named.items(), *((one, one) for one in more)):
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self.id,
                service_name=full,
                vpc_endpoint_type=aws.ec2.VpcEndpointType.INTERFACE,
                private_dns_enabled=True,
                subnet_ids=self.subnet_ids,
                security_group_ids=[group.group_id],
                policy_document=policy(_by_own(accounts)),
                tags=self._tags,
                opts=self.child(),
            )
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.id,
            service_name=f"com.amazonaws.{self._region}.s3",
            vpc_endpoint_type=aws.ec2.VpcEndpointType.GATEWAY,
            route_table_ids=[self._routes.route_table_id],
            policy_document=policy(_buckets(accounts), _layers(self._region)),
            tags=self._tags,
            opts=self.child(),
        )


def _by_own(accounts: Sequence[str]) -> dict[str, Any]:
    """Only who belongs to these accounts gets through: keys that were brought in from elsewhere do not."""
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalAccount": [*accounts]}},
    }


def _buckets(accounts: Sequence[str]) -> dict[str, Any]:
    """Data go to buckets of these accounts only."""
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceAccount": [*accounts]}},
    }


def _layers(region: str) -> dict[str, Any]:
    """Layers of images lie in a bucket of the vendor."""
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*",
    }
