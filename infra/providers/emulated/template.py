"""All that there is in an emulated AWS as one CloudFormation template, for cfn-lint and what reads templates.

Used as `python -m infra.providers.emulated.template FOLDER`, with the folder of a world; the template is printed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.providers.emulated.aws.cloud import Cloud
from infra.providers.emulated.vendor import Place
from infra.providers.emulated.world import Thing, World


def template(things: Sequence[Thing]) -> dict[str, Any]:
    """The things with CloudFormation's names, each under a name made of its own."""
    resources = {}
    for thing in things:
        kind = Cloud().kind(thing.token, _place(thing))
        resources[_logical(thing)] = {
            "Type": kind.schema.type_name,
            "Properties": kind.formation(thing.inputs),
        }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _place(thing: Thing) -> Place:
    """Where it is; what belongs to no region is looked up in the first that AWS had."""
    account, _, region = thing.scope.partition(".")
    return Place(account, region or "us-east-1")


def _logical(thing: Thing) -> str:
    """Letters and digits only, as a template wants; the digest tells equal names of two stacks apart."""
    words = re.sub(r"\W|_", " ", thing.urn.rsplit("::", maxsplit=1)[-1]).title().replace(" ", "")
    return f"{words}{hashlib.sha256(thing.urn.encode()).hexdigest()[:8]}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(template(World(Path(sys.argv[1])).things()), indent=1) + "\n")
