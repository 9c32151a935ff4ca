"""Makes tools agree on proxy, package index and certificates, whose variables they name differently; hides logins."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
_LOGIN = re.compile(r"(://)[^/@\s]+@")


def settle(variables: MutableMapping[str, str]) -> None:
    """Complete `variables`, the environment of this process and of what it starts. What is set already stays as it is.

    - Our own services answer on this machine and never through a proxy, whatever NO_PROXY says.
    - One index is enough: uv's for pip, or pip's for uv.
    - One file of certificates, the company's, is enough: SSL_CERT_FILE, or what requests or pip read.
    """
    if any(variables.get(name) or variables.get(name.lower()) for name in _PROXIES):
        _past_the_proxy(variables)
    index = next((variables[name] for name in _INDEXES if variables.get(name)), "")
    if index and not (variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL")):
        variables["UV_DEFAULT_INDEX"] = index
    if index:
        variables.setdefault("PIP_INDEX_URL", index)
    certificates = next((variables[name] for name in _CERTIFICATES if variables.get(name)), "")
    if certificates:
        for name in _CERTIFICATES:
            variables.setdefault(name, certificates)


def without_logins(text: str) -> str:
    """`text` with user and password taken out of every address in it."""
    return _LOGIN.sub(r"\1***@", text)


def _past_the_proxy(variables: MutableMapping[str, str]) -> None:
    """Add this machine to both spellings: some clients read only one, and then prefer the lower case."""
    given = ",".join(filter(None, (variables.get("NO_PROXY"), variables.get("no_proxy"))))
    hosts = dict.fromkeys([host.strip() for host in given.split(",") if host.strip()] + list(_LOOPBACK))
    variables["NO_PROXY"] = variables["no_proxy"] = ",".join(hosts)
