"""train.trusted_types: what may stand there, by its name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.config.settings import Settings
from aifactory_runtime.errors import UsageProblem


def conf(folder: Path, *names: str) -> Settings:
    (folder / "base.yaml").write_text(f"train:\n  trusted_types: [{', '.join(names)}]\n")
    return Settings.load(folder, "dev")


def test_given_no_names_when_read_then_nothing_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("train: {}\n")
    assert Settings.load(tmp_path, "dev").train.trusted_types == ()


def test_given_a_class_of_a_package_when_read_then_it_is_taken(tmp_path: Path) -> None:
    name = "category_encoders.hashing.HashingEncoder"
    assert conf(tmp_path, name).train.trusted_types == (name,)


@pytest.mark.parametrize(
    "name",
    [
        *("builtins.eval", "builtins.exec", "builtins.getattr", "os.system", "posix.system", "subprocess.Popen"),
        *(
            "pickle.loads",
            "functools.partial",
            "operator.methodcaller",
            "types.FunctionType",
            "code.InteractiveConsole",
        ),
        *("joblib.numpy_pickle.NumpyUnpickler", "cloudpickle.cloudpickle.CloudPickler", "numpy.lib.npyio.NpzFile"),
        *("pandas.io.pickle.read_pickle", "mlflow.pyfunc.PyFuncModel", "sympy.core.sympify.sympify"),
        *("Popen", "os", '""', '"a b.C"', "x.<lambda>", "category_encoders.*", "../evil.C"),
    ],
)
def test_given_what_runs_code_or_is_no_class_when_read_then_refused_by_name_in_one_line(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageProblem, match="cannot be trusted") as caught:
        conf(tmp_path, "feature_engine.outliers.winsorizer.Winsorizer", name)
    assert "base.yaml:2: train.trusted_types.1: " + name.strip('"') in str(caught.value)
    assert "\n" not in str(caught.value)
