"""Addresses of tables as files in git may hold them: without a login, a signature or a key."""

from __future__ import annotations

import re

# The same looks as in questions/checks.jinja, which guards plain `copier copy`; a test holds the two together.
# What stands before the @ of Azure's own schemes is a container.
_LOOKS = tuple(
    re.compile(look)
    for look in (
        r"(?i)(?<![a-z])(?!(abfss?|wasbs?)://[^/@:?#]+@)[a-z][a-z0-9+.-]*://[^/?#]*@",
        r"(?i)://.*[?&;#](sig|signature|x-amz-signature|x-goog-signature|token|access_token|password|key)=",
    )
)


def check(address: str) -> str:
    """Return `address`, a path or an address; ValueError, which does not repeat it, when it holds a secret."""
    if any(look.search(address) for look in _LOOKS):
        raise ValueError(
            "the address holds a login, a signature or a key; leave it out and give the platform's own credentials in "
            "environment variables"
        )
    return address
