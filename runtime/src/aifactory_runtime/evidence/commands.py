"""`python -m <package> evidence`: one file for an auditor about one release."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click

from aifactory_runtime.config import options


@click.command()
@click.option("--env", "environment", type=options.PROVISIONED, default="prod", show_default=True, help="Environment.")
@click.option("--version", "number", type=click.IntRange(1, 2**31 - 1), default=None, help="Default: its champion.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The file to write, a zip.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evidence(environment: str, number: int | None, output: Path, as_json: bool) -> int:
    """Write one file about a release: gate, approvals, tests, live test, code, audit log; no rows and no secrets.

    manifest.json in it names each part with its sha256, and what could not be had. The same state gives the same bytes.
    Exit code 1 when a part is not what was registered, or the audit log does not hold; the file says which.

    Example: evidence --env prod --output release-12.zip
    """
    from aifactory_runtime import files
    from aifactory_runtime.config.project import find_root
    from aifactory_runtime.errors import UsageProblem
    from aifactory_runtime.evidence import bundle, gather

    if output.exists():
        raise UsageProblem(f"{output} is there already: name another file")
    found = gather.gather(find_root(Path.cwd()), environment, number)
    content = bundle.pack(found)
    files.write(output, content)
    sha256 = hashlib.sha256(content).hexdigest()
    if as_json:
        said = {"file": str(output), "sha256": sha256, "parts": len(found.parts), "missing": dict(found.missing)}
        click.echo(json.dumps({**found.about, **said, "problems": list(found.problems)}))
    else:
        click.echo(f"version {found.about['version']} of {environment}: {len(found.parts)} parts in {output}")
        click.echo(f"sha256 {sha256}")
        for name, why in sorted(found.missing.items()):
            click.echo(f"not in it: {name} ({why})")
    for problem in found.problems:
        click.echo(f"factory: {problem}", err=True)
    return 1 if found.problems else 0
