"""The registry over SQLite: one version for equal model and data, digests checked, aliases moved and never deleted."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aifactory_runtime.config import project
from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.run import STEPS
from aifactory_runtime.pipeline.run import run as run_steps
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.mlflow import MlflowRegistry, connect
from tests.unit.runtime.conftest import Pipeline


@pytest.fixture
def registry(context: Context) -> MlflowRegistry:
    return connect(context.contract, None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The registry looks at bytes only, so any two files make a model here."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "model.skops").write_bytes(b"\x00\x01")
    return folder


def test_given_equal_model_and_data_when_registered_again_then_the_version_is_the_same(
    registry: MlflowRegistry, model: Path
) -> None:
    first = registry.register(model, {"aifactory.data.raw": "0@a"})
    again = registry.register(model, {"aifactory.data.raw": "0@a"})
    other = registry.register(model, {"aifactory.data.raw": "1@b"})
    assert (first.number, again.number, other.number) == (1, 1, 2)
    assert first.model_sha256 == model_folder.digest(model)
    assert [version.number for version in registry.versions()] == [1, 2]


def test_fault_26_given_files_but_no_version_when_registered_again_then_the_begun_run_is_used(
    registry: MlflowRegistry, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry._models, "create_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.register(model, {})
    begun = registry._run_of(model_folder.digest(model))
    assert registry.register(model, {}).run_id == begun


def test_given_a_version_when_downloaded_then_the_bytes_are_the_same(
    registry: MlflowRegistry, model: Path, tmp_path: Path
) -> None:
    registry.download(registry.register(model, {}), tmp_path / "copy")
    assert model_folder.digest(tmp_path / "copy") == model_folder.digest(model)


def test_given_a_run_when_its_data_and_metric_are_said_then_mlflows_pages_have_them(
    registry: MlflowRegistry, context: Context
) -> None:
    run_id = registry.start_run("one", {"aifactory.commit": "c" * 40})
    registry.log_data(run_id, "prepared", "d" * 64, {"age": "int64", "name": "string"}, {"delta_table_version": 3})
    registry.judge_by("rmse", lower_is_better=True)

    run = registry._runs.get_run(run_id)
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest, given.tags[0].value) == ("prepared", "d" * 36, "training")
    assert json.loads(given.dataset.source) == {"delta_table_version": 3}
    types = {column["name"]: column["type"] for column in json.loads(given.dataset.schema)["mlflow_colspec"]}
    assert types == {"age": "long", "name": "string"}
    assert run.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert run.data.tags["mlflow.source.name"] == context.contract.use_case
    tags = registry._runs.get_experiment(run.info.experiment_id).tags
    assert tags["mlflow.experiment.primaryMetric.name"] == "rmse"
    assert tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == "False"
    assert tags["mlflow.experimentKind"] == "custom_model_development"


@pytest.mark.parametrize("change", ["content", "more", "link"])
def test_fault_30_given_a_changed_artefact_when_downloaded_then_refused_and_no_folder_left(
    registry: MlflowRegistry, model: Path, tmp_path: Path, change: str
) -> None:
    version = registry.register(model, {})
    place = Path(registry.artifact_address(version))
    if change == "content":
        (place / "model.skops").write_bytes(b"\x00\x02")
    elif change == "more":
        (place / "model.pkl").write_bytes(b"\x80\x04.")
    else:
        (place / "link").symlink_to("/etc")
    with pytest.raises(FactoryError):
        registry.download(version, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_fault_29_given_a_deleted_artefact_when_downloaded_then_one_line(
    registry: MlflowRegistry, model: Path, tmp_path: Path
) -> None:
    version = registry.register(model, {})
    shutil.rmtree(registry.artifact_address(version))
    with pytest.raises(FactoryError, match="is missing"):
        registry.download(version, tmp_path / "copy")


def test_given_aliases_when_moved_then_they_point_where_they_were_moved(registry: MlflowRegistry, model: Path) -> None:
    assert registry.by_alias("champion") is None
    registry.register(model, {"aifactory.data.raw": "0@a"})
    registry.register(model, {"aifactory.data.raw": "1@b"})
    registry.set_alias("champion", 1)
    registry.set_alias("champion", 2)
    found = registry.by_alias("champion")
    assert found is not None
    assert found.number == 2
    assert registry.by_alias("challenger") is None


def test_given_a_tag_when_set_then_it_is_read_back(registry: MlflowRegistry, model: Path) -> None:
    number = registry.register(model, {"aifactory.stage": "candidate"}).number
    registry.set_tag(number, "aifactory.stage", "champion")
    assert registry.version(number).tags["aifactory.stage"] == "champion"


@pytest.mark.parametrize("number", [7, 401, 403])
def test_given_no_such_version_when_asked_for_then_one_line(registry: MlflowRegistry, number: int) -> None:
    with pytest.raises(FactoryError, match="not found") as caught:
        registry.version(number)
    assert "\n" not in str(caught.value) and "login" not in str(caught.value)


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """Address of a server that answers everything with `status` and `body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (401, "You are not authenticated.", True),
        (403, "Permission denied", True),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', True),
        (404, '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Model Version 401 not found"}', False),
        (400, '{"error_code": "INVALID_PARAMETER_VALUE", "message": "run 4030 has no such tag"}', False),
    ],
)
def test_given_an_answer_of_the_server_when_it_is_told_then_only_a_refusal_is_called_one(
    context: Context, status: int, body: str, refused: bool
) -> None:
    with answering(status, body) as address:
        contract = context.contract.model_copy(update={"tracking_uri": address, "registry_uri": address})
        with pytest.raises(FactoryError) as caught:
            connect(contract, Credentials("ana", "ana.demo-case.dev", "secret-of-ana")).version(1)

    assert ("refuses this login" in str(caught.value)) is refused, str(caught.value)


def test_given_approvals_when_read_then_newest_first_with_who_wrote_them(registry: MlflowRegistry) -> None:
    assert registry.approvals("kim.meyer") == []
    registry.record_approval("kim.meyer", "a" * 64, "b" * 64)
    (found,) = registry.approvals("kim.meyer")
    assert (found.person, found.model_sha256, found.report_sha256) == ("kim.meyer", "a" * 64, "b" * 64)
    assert found.user_id == "local"


def test_fault_44_given_no_server_when_asked_then_one_line_says_how_to_start_it(context: Context) -> None:
    contract = context.contract.model_copy(
        update={"tracking_uri": "http://127.0.0.1:9", "registry_uri": "http://127.0.0.1:9"}
    )
    registry = connect(contract, Credentials("ana", "ana.demo-case.dev", "secret-of-ana"))
    with pytest.raises(FactoryError, match="does not answer: run factory start") as caught:
        registry.versions()
    assert "secret-of-ana" not in str(caught.value)


def test_given_a_failure_that_speaks_of_connections_when_asked_then_it_is_not_taken_for_a_silent_server(
    context: Context,
) -> None:
    absent = context.contract.model_copy(update={"model_name": "Connection refused"})

    with pytest.raises(FactoryError, match="Connection refused") as caught:
        connect(absent, None).version(1)

    assert "does not answer" not in str(caught.value)


def test_given_a_repo_with_an_odd_name_that_was_moved_when_asked_then_its_models_move_along(
    repo: Path, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline()
    moved = repo.rename(repo.parent / "a b; 100 % \u00e9")
    monkeypatch.syspath_prepend(str(moved / "src"))
    there = Context(project.load(moved))

    version = there.registry.version(1)
    there.registry.download(version, tmp_path / "model")

    assert str(moved) in there.registry.artifact_address(version)
    assert model_folder.digest(tmp_path / "model") == version.model_sha256
    again = run_steps(there, tuple(STEPS), run_id=None, kind="experiment", say=lambda _: None)
    assert again.version == 1
