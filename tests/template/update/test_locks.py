"""`factory update` where the owner's packages and the factory's new lock meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory import releases
from aifactory_runtime.errors import UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import DAY, ReleasedTemplate
from tests.template.update.following import everything, follow

pytestmark = pytest.mark.slow
TOOLZ = """\
toolz==1.1.0 \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
"""


def opposed(released: ReleasedTemplate, folder: Path) -> ReleasedTemplate:
    """A factory whose 0.2.0 pins toolz, which no release did before."""
    git(folder.parent, "clone", "--quiet", str(released.folder), str(folder))
    git(folder, "reset", "--quiet", "--hard", "v0.1.0~0")
    made = ReleasedTemplate(folder)
    made.write(releases.FILE, releases.write([]))
    git(folder, "tag", "--delete", "v0.2.0")
    known = releases.Release("0.1.0", git(folder, "rev-parse", "v0.1.0^{commit}"), DAY)
    made.write(releases.FILE, releases.write([known]))
    lock = "template/requirements/factory-dev.txt"
    made.write(lock, (folder / lock).read_text() + TOOLZ)
    made.release("0.2.0", "- toolz is there. Nothing to do.")
    return made


def test_given_a_package_that_the_factory_now_pins_otherwise_then_both_sides_are_named(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    made = opposed(released, tmp_path / "opposed")
    (repo / "requirements" / "science.in").write_text("# mine\ntoolz==1.0.0\n")
    commit(repo, "Need toolz")
    before = everything(repo)
    with pytest.raises(UsageProblem, match=r"science\.in:2 wants toolz==1\.0\.0, and .* of 0\.2\.0 pins toolz 1\.1\.0"):
        follow(repo, address=str(made.folder))
    assert everything(repo) == before


@pytest.mark.parametrize("wanted", ["partd==1.4.2\n", "-r more.in\n"])
def test_given_an_owners_package_that_needs_what_the_factory_now_pins_then_the_owners_lock_is_resolved_again(
    released: ReleasedTemplate, repo: Path, tmp_path: Path, wanted: str
) -> None:
    made = opposed(released, tmp_path / "opposed")
    (repo / "requirements" / "science.in").write_text(wanted)
    (repo / "requirements" / "more.in").write_text("partd==1.4.2\n")
    (repo / "requirements" / "science.txt").write_text("locket==1.0.0\npartd==1.4.2\ntoolz==1.0.0\n")
    commit(repo, "Need partd")

    plan = follow(repo, address=str(made.folder))

    locked = (repo / "requirements" / "science.txt").read_text()
    assert "partd==1.4.2 \\\n    --hash=sha256:" in locked
    assert "toolz" not in locked
    assert any("toolz 1.0.0 to the factory has it" in note for note in plan.notes)
