"""Each target's registry is opened by the contract alone, and no other target's modules come with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry.connect import connect
from aifactory_runtime.registry.mlflow import MlflowRegistry

ASKED = """
import sys
from aifactory_runtime.registry import connect
from aifactory_runtime.pipeline import context
from aifactory_runtime.release import side
print(sorted({"boto3", "botocore", "obstore", "aifactory_runtime.aws", "mlflow"} & set(sys.modules)))
"""


@pytest.mark.heavy
def test_given_a_local_environment_when_opened_then_its_registry_is_mlflow(context: Context) -> None:
    assert isinstance(connect(context.contract, None), MlflowRegistry)


@pytest.mark.heavy
def test_given_the_choice_when_imported_then_neither_mlflow_nor_a_vendor_is() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
