"""Types that conf trusts: only classes of installed packages, under the name they are defined by."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry import trusted_classes


@pytest.mark.parametrize(
    "name",
    [
        "category_encoders.hashing.HashingEncoder",
        "feature_engine.outliers.winsorizer.Winsorizer",
        "sklearn.gaussian_process.kernels.RBF",
    ],
)
def test_given_a_class_of_an_installed_package_when_checked_then_it_is_taken(name: str) -> None:
    assert trusted_classes.refusal(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os.system", "Python's own"),
        ("sklearn.feature_selection._univariate_selection.f_classif", "it is a function, not a class"),
        ("sklearn.linear_model", "it is a module, not a class"),
        ("sklearn.linear_model.NoSuchModel", "no module has it under that name"),
        ("no_such_package.module.Class", "requirements/science.in"),
        ("sklearn.linear_model.LogisticRegression", "another name of sklearn.linear_model._logistic.Logistic"),
        ("category_encoders.HashingEncoder", "another name of category_encoders.hashing.HashingEncoder"),
        ("matplotlib.animation.subprocess.Popen", "there is no module"),
        ("tests.unit.runtime.registry.test_trusted_classes.Own", "not of an installed package"),
        ("demo_danger.Shell", "derives from subprocess.Popen"),
        ("demo_danger.Hidden", "another name of subprocess.Popen"),
        ("demo_danger.Meta", "derives from builtins.type"),
        ("demo_broken.Class", "cannot be imported (ZeroDivisionError)"),
    ],
)
def test_given_what_is_no_class_of_a_package_when_checked_then_it_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    (tmp_path / "demo_danger.py").write_text(
        "from subprocess import Popen\nHidden = Popen\nclass Shell(Popen): ...\nclass Meta(type): ...\n"
    )
    (tmp_path / "demo_broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "demo_danger", raising=False)
    assert why in (trusted_classes.refusal(name) or "")
    with pytest.raises(UsageProblem, match="cannot be trusted"):
        trusted_classes.check([name])


class Own:
    """A class of no package."""
