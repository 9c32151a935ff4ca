"""Where the engine keeps the state of stacks in AWS, and what its secrets are encrypted with: the platform's bucket."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from aifactory import emulation


@dataclass(frozen=True)
class State:
    """Addresses as the engine takes them; both empty where the state lies in the home, or where the variables say."""

    backend: str = ""
    secrets: str = ""


def of(bucket: str, region: str, alias: str) -> State:
    """State in the bucket, secrets by the key of that alias; nothing where the person's own variable names a place.

    AWS_ENDPOINT_URL, AWS's own variable, is followed: an endpoint in a private network, or a server that stands in.
    """
    if os.environ.get("PULUMI_BACKEND_URL") or emulation.asked():
        return State()
    options = {"region": region, "awssdk": "v2"}
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    elsewhere = {"endpoint": endpoint.netloc, "s3ForcePathStyle": "true"} if endpoint.netloc else {}
    if endpoint.scheme == "http":
        elsewhere["disableSSL"] = "true"
    return State(
        backend=f"s3://{bucket}?{urlencode({**options, **elsewhere})}", secrets=f"awskms://{alias}?{urlencode(options)}"
    )
