"""What the process of the scoring service holds: no MLflow, no pandas, although both are installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.runtime.serving_parts import ROW, make_model

SERVE_ONCE = """
import json, sys
from aifactory_runtime.serving import lean
lean.block_unused()
from pathlib import Path
from aifactory_runtime.serving import commands, process, server
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.fetch import Source
from aifactory_runtime.serving.loader import Loader
served, row, folder, code = json.loads(sys.argv[1])
def features(columns):
    return {"age": columns["age"], "income": columns["mean income"], "member": columns["member"],
            "east": columns["region"] == "east"}
model = Loader(Path(folder), Source("", lambda: None), features, code, None, 5).load(Served(**served))
lean.settle()
model.predict(model.reader.predict(json.dumps({"rows": [row]}).encode()))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.heavy
def test_given_a_served_model_when_the_modules_are_listed_then_neither_mlflow_nor_pandas(tmp_path: Path) -> None:
    made = make_model(tmp_path / "model")
    served = {name: getattr(made, name) for name in ("version", "sha256", "uri", "commit", "code_sha256")}
    given = json.dumps([served, ROW, str(tmp_path / "cache"), made.code_sha256])

    done = subprocess.run([sys.executable, "-c", SERVE_ONCE, given], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert loaded & {"mlflow", "pandas", "pytest", "matplotlib", "sqlalchemy"} == set()
    assert {"sklearn", "skops", "fastapi", "uvicorn", "msgspec"} <= loaded
