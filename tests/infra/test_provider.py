"""The provider without the engine: what counts as a change, and what each kind makes, sees and takes away."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from aifactory import home as tool_home
from aifactory_runtime.capture import hashing
from infra.providers.local import diff, failure, files, layout, processes, rotation_mark
from infra.providers.local.file import File
from infra.providers.local.folder import Folder
from infra.providers.local.hash_keys import HashKeys
from infra.providers.local.kind import Kind
from infra.providers.local.kinds import KINDS, load
from infra.providers.local.membership import Membership
from infra.providers.local.mlflow_experiment import MlflowExperiment
from infra.providers.local.mlflow_role import MlflowRole
from infra.providers.local.plugin import PREFIX, LocalProvider
from infra.providers.local.port_lease import PortLease, registry
from infra.providers.local.service import Service, section
from infra.providers.local.supervisor import Supervisor
from infra.providers.local.token_file import Token
from infra.providers.protocol import messages, values
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.messages import provider_pb2 as wire

TEXT = st.text(max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_CACHE", str(tmp_path / "cache"))


@given(PLAIN)
def test_given_any_value_when_sent_and_received_then_it_is_the_same(value: Any) -> None:
    assert values.plain(values.wire(value)) == value


@given(PLAIN)
def test_given_any_value_when_sent_then_the_library_reads_and_writes_it_the_same(value: Any) -> None:
    theirs = PropertyValue.unmarshal_map(values.wire_map({"open": value, "hidden": value}, frozenset({"hidden"})))

    assert (theirs["open"].is_secret, theirs["hidden"].is_secret) == (False, True)
    back = values.plain_map(PropertyValue.marshal_map(theirs))
    assert back == ({} if value is None else {"open": value, "hidden": value})


def test_given_the_marks_of_values_when_compared_then_they_are_the_librarys() -> None:
    theirs = (rpc._special_sig_key, rpc._special_secret_sig, rpc.UNKNOWN)

    assert theirs == (messages.MARK, messages.SECRET, messages.UNKNOWN)


def test_given_a_resource_as_an_input_when_received_then_it_is_refused() -> None:
    sent = values.wire_map({"path": {messages.MARK: rpc._special_resource_sig, "urn": urn("Folder")}})

    with pytest.raises(Failure, match=r"give its text, its path or one of its outputs"):
        values.plain_map(sent)


def test_given_the_provider_when_started_then_the_rest_of_the_library_is_not_imported() -> None:
    code = (
        "import sys, infra.providers.local.__main__ as _; print(sorted({'pulumi', 'opentelemetry'} & {*sys.modules}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n", "every start of the provider would take twice as long"


def over_the_wire(sent: Struct) -> Struct:
    return Struct.FromString(sent.SerializeToString())


def test_given_values_not_known_yet_when_sent_to_the_engine_and_back_then_they_are_still_unknown() -> None:
    given = {"port": values.UNKNOWN, "command": ["serve", values.UNKNOWN], "password": values.UNKNOWN}
    received = over_the_wire(values.wire_map(given, frozenset({"password"})))
    theirs = PropertyValue.unmarshal_map(received)
    assert theirs["password"].is_secret
    assert not theirs["port"].is_secret
    assert theirs["port"].value == rpc.UNKNOWN
    assert values.plain_map(received) == given


def urn(kind: str) -> str:
    return f"urn:pulumi:shared::project::{PREFIX}{kind}::name"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_given_any_kind_when_its_creation_is_previewed_then_what_it_makes_is_unknown(name: str) -> None:
    kind = load(name)
    inputs = dict.fromkeys(kind.inputs, "x")
    request = wire.CreateRequest(urn=urn(name), properties=values.wire_map(inputs), preview=True)
    answer = over_the_wire(asyncio.run(LocalProvider().create(request)).properties)
    assert values.plain_map(answer) == inputs | dict.fromkeys(kind.made, values.UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "state", "inputs", "unknown"),
    [
        (
            "PortLease",
            {"home": "/h", "name": "a", "port": 21000, "status": "taken"},
            {"home": "/h", "name": "a"},
            "port",
        ),
        (
            "File",
            {"path": "/f", "content": "one", "mode": "0600", "sha256": "1"},
            {"path": "/f", "content": values.UNKNOWN, "mode": "0600"},
            "sha256",
        ),
        (
            "Service",
            {"home": "/h", "name": "a", "host": "127.0.0.1", "port": 21000, "address": "http://127.0.0.1:21000"},
            {"home": "/h", "name": "a", "host": "127.0.0.1", "port": values.UNKNOWN},
            "address",
        ),
    ],
)
def test_given_what_only_an_update_will_show_when_previewed_then_it_is_unknown(
    kind: str, state: dict[str, Any], inputs: dict[str, Any], unknown: str
) -> None:
    request = wire.UpdateRequest(
        id="a", urn=urn(kind), olds=values.wire_map(state), news=values.wire_map(inputs), preview=True
    )
    answer = values.plain_map(over_the_wire(asyncio.run(LocalProvider().update(request)).properties))
    assert answer[unknown] is values.UNKNOWN
    assert {key: answer[key] for key in inputs} == inputs


@pytest.mark.parametrize("name", sorted(KINDS))
def test_given_any_kind_when_loaded_then_what_replaces_it_is_one_of_its_inputs(name: str) -> None:
    kind = load(name)
    assert type(kind).__name__ == name
    assert kind.replaced_by <= kind.inputs
    assert not kind.made & kind.inputs


@pytest.mark.parametrize(
    "kind", [Folder(), File(), HashKeys(), Token(), PortLease(), Service(), Supervisor(), Membership()]
)
@given(given_inputs=st.data())
def test_given_one_input_changed_or_removed_when_compared_then_exactly_it_is_shown(
    kind: Kind, given_inputs: st.DataObject
) -> None:
    inputs = dict.fromkeys(kind.inputs, "before")
    state = {**inputs, **kind.desired(inputs)}
    assert diff.compare(kind, state, inputs).changes == wire.DiffResponse.DIFF_NONE
    key = given_inputs.draw(st.sampled_from(sorted(kind.inputs - {"content"})))
    changed = diff.compare(kind, state, {**inputs, key: "after"})
    assert changed.changes == wire.DiffResponse.DIFF_SOME
    assert list(changed.detailedDiff) == [key]
    assert changed.replaces == ([key] if key in kind.replaced_by else [])
    removed = diff.compare(kind, state, {name: value for name, value in inputs.items() if name != key})
    assert removed.detailedDiff[key].kind in {wire.PropertyDiff.DELETE, wire.PropertyDiff.DELETE_REPLACE}


def test_given_drift_when_compared_then_it_is_an_update_that_no_input_asked_for() -> None:
    inputs = {"home": "/h", "name": "a", "command": ["x"], "directory": "/"}
    found = diff.compare(Service(), {**inputs, "status": "port 21000 is held by process 7 (nc)"}, inputs)
    assert found.detailedDiff["status"].kind == wire.PropertyDiff.UPDATE
    assert not found.detailedDiff["status"].inputDiff
    assert found.replaces == []


def test_given_a_folder_when_made_broken_and_mended_then_each_is_seen(tmp_path: Path) -> None:
    inputs = {"path": str(tmp_path / "a"), "children": ["b", "c/d"], "mode": "0700"}
    _, state = Folder().create(inputs)
    assert Folder().read(state) == state
    (tmp_path / "a" / "b").rmdir()
    (tmp_path / "a").chmod(0o755)
    drifted = Folder().read(state) or {}
    assert (drifted["status"], drifted["mode"]) == ("missing: b", "0755")
    assert Folder().read(Folder().update(drifted, inputs)) == state
    Folder().delete(state)
    assert Folder().read(state) is None


def test_given_a_folder_with_contents_when_made_again_then_they_stay(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "kept").write_text("x")
    Folder().create({"path": str(tmp_path / "a"), "children": [], "mode": "0700"})
    assert (tmp_path / "a" / "kept").read_text() == "x"


AT_WORK = """
import sys, time
from pathlib import Path
from aifactory_runtime import files
place, until = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
def work():
    print("begun", flush=True)
    while time.monotonic() < until:
        files.write(place / "state" / "one.json", "{}")
        (place / "state" / "one.json").unlink()
        files.write(place / "state" / str(time.monotonic_ns()), "{}")
if sys.argv[3] == "locked":
    with files.lock(place / "triggers" / "tick.lock", "busy"):
        work()
else:
    work()
"""


def _at_work(place: Path, seconds: float, how: str) -> subprocess.Popen[bytes]:
    """A process that writes into a folder for so long, as a tick does, with the lock of one or without any."""
    command = [sys.executable, "-c", AT_WORK, str(place), str(seconds), how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


@pytest.mark.parametrize("how", ["locked", "without a lock"])
def test_given_a_program_at_work_in_a_folder_when_removed_then_it_ends_first_and_nothing_is_left(
    tmp_path: Path, how: str
) -> None:
    _, state = Folder().create({"path": str(tmp_path / "a"), "children": ["state", "triggers"], "mode": "0700"})
    with _at_work(tmp_path / "a", 1.0, how) as process:
        Folder().delete(state)
        if how == "locked":
            assert process.wait() == 0, "what it wrote was taken away from it"
    Folder().delete(state)
    assert not (tmp_path / "a").exists()


def test_given_a_program_that_does_not_end_when_its_folder_is_removed_then_it_is_named_and_all_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.providers.local.folder._PATIENCE_SECONDS", 0.3)
    _, state = Folder().create({"path": str(tmp_path / "a"), "children": ["state", "triggers"], "mode": "0700"})
    (tmp_path / "a" / "kept").touch()
    with _at_work(tmp_path / "a", 60.0, "locked") as process:
        with pytest.raises(Failure, match=f"process {process.pid} is still at work in it"):
            Folder().delete(state)
        process.kill()
    assert (tmp_path / "a" / "kept").exists()


@pytest.mark.parametrize("bad", [{"path": "relative"}, {"children": ["../out"]}, {"children": ["/etc"]}])
def test_given_a_folder_that_leads_elsewhere_when_checked_then_it_is_refused(bad: dict[str, Any]) -> None:
    assert set(Folder().check({"path": "/a", "children": [], **bad})) == set(bad)


def test_given_a_file_that_somebody_changed_when_read_then_its_digest_differs(tmp_path: Path) -> None:
    inputs = {"path": str(tmp_path / "f"), "content": "one\n", "mode": "0600"}
    _, state = File().create(inputs)
    assert File().read(state) == state
    (tmp_path / "f").write_text("two\n")
    drifted = File().read(state) or {}
    assert list(diff.compare(File(), drifted, inputs).detailedDiff) == ["sha256"]
    File().update(drifted, inputs)
    assert (tmp_path / "f").read_text() == "one\n"


def test_given_a_token_when_its_file_is_lost_then_the_same_secret_is_written_again(tmp_path: Path) -> None:
    inputs = {"path": str(tmp_path / "t.json"), "identity": "consumer", "roles": [], "login": "c", "key": "token"}
    _, state = Token().create(inputs)
    path = tmp_path / "t.json"
    first = json.loads(path.read_text())["token"]
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    drifted = Token().read(state) or {}
    assert drifted["status"] == "missing"
    Token().update(drifted, inputs)
    assert json.loads(path.read_text())["token"] == first == state["value"]
    assert Token().create(inputs)[1]["value"] == first


def test_given_keys_for_hashes_when_lost_and_rotated_then_the_runtime_reads_every_key_there_was(tmp_path: Path) -> None:
    inputs = {"path": str(tmp_path / "capture-key.json")}
    path = tmp_path / "capture-key.json"
    _, state = HashKeys().create(inputs)
    first = hashing.read(path)
    path.unlink()
    drifted = HashKeys().read(state) or {}
    assert drifted["status"] == "missing"
    state = HashKeys().update(drifted, inputs)
    assert hashing.read(path) == first and path.stat().st_mode & 0o777 == 0o600

    rotation_mark.ask(path)
    assert (HashKeys().read(state) or {})["status"] == rotation_mark.PENDING
    state = HashKeys().update(state, inputs)

    both = hashing.read(path)
    assert (HashKeys().read(state) or {})["status"] == "written"
    assert dict(both.versions) == {1: first.versions[1], 2: both.versions[2]}
    assert both.hash("x") not in first.hashes("x") and both.hashes("x") > first.hashes("x")
    assert HashKeys().create(inputs)[1]["keys"] == state["keys"], "keys that are there are kept"


@pytest.mark.parametrize(("second", "still_good"), [(60.0, 3), (0.0, 1)])
def test_given_a_token_rotated_twice_when_the_first_overlap_lasts_then_it_is_kept_unless_all_end_at_once(
    tmp_path: Path, second: float, still_good: int
) -> None:
    path, admits = tmp_path / "consumer.json", tmp_path / "callers" / "consumer.json"
    who = {"identity": "consumer", "roles": [], "login": "consumer.churn.prod"}
    inputs = {"path": str(path), "admits": str(admits), "key": "token", **who}
    _, state = Token().create(inputs)

    for overlap in (3600.0, second):
        rotation_mark.ask(path, overlap)
        state = Token().update(state, inputs)

    assert len(json.loads(admits.read_text())["accepts"]) == still_good
    read = Token().read(state)
    assert read is not None and read["status"] == "written"


@pytest.mark.parametrize(
    "mark", ['{"overlap_seconds": NaN}', '{"overlap_seconds": "x"}', '{"overlap_seconds": -1}', "{"]
)
def test_given_a_damaged_mark_of_a_rotation_when_read_then_it_is_named_with_its_mend(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "consumer.json"
    rotation_mark.ask(path, 60.0)
    assert rotation_mark.overlap(path) == 60.0
    rotation_mark.mark(path).write_text(mark, encoding="utf-8")

    with pytest.raises(Failure, match=r"consumer\.rotate is damaged: remove it"):
        rotation_mark.overlap(path)


def _lease(home: Path, name: str = "web") -> dict[str, Any]:
    home.mkdir(exist_ok=True)
    return PortLease().create({"home": str(home), "name": name})[1]


def test_given_two_homes_when_they_lease_the_same_name_then_ports_differ_and_stay(tmp_path: Path) -> None:
    leases = [_lease(tmp_path / "a"), _lease(tmp_path / "a", "api"), _lease(tmp_path / "b"), _lease(tmp_path / "b")]
    ports = [lease["port"] for lease in leases]
    assert len(set(ports[:3])) == 3
    assert ports[2] == ports[3]
    PortLease().delete(leases[0])
    assert PortLease().read(leases[0]) is None
    assert not (registry() / f"{ports[0]}.json").exists()
    assert PortLease().read(leases[1]) == leases[1]


def test_fault_44_given_a_leased_port_taken_when_read_then_the_holder_is_named_and_the_lease_moves(
    tmp_path: Path,
) -> None:
    lease = _lease(tmp_path / "a")
    with socket.create_server(("127.0.0.1", lease["port"])):
        seen = PortLease().read(lease) or {}
        assert (
            seen["status"]
            == f"port {lease['port']} is taken by process {os.getpid()} ({processes.command(os.getpid())})"
        )
        moved = PortLease().update(seen, {"home": lease["home"], "name": "web"})
    assert moved["port"] != lease["port"]
    assert moved["status"] == "leased"


def test_given_a_listening_socket_when_asked_then_its_process_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (found,) = processes.listeners(server.getsockname()[1])
    assert os.getpid() in found.pids
    assert processes.descends(os.getpid(), os.getppid())
    assert not processes.descends(os.getppid(), os.getpid())


def test_given_a_lock_held_when_another_wants_it_then_it_waits(tmp_path: Path) -> None:
    import fcntl

    with files.locked(tmp_path / "lock"), (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_given_percent_signs_and_spaces_when_a_section_is_written_then_supervisor_reads_them_back() -> None:
    inputs = {
        "home": "/h",
        "name": "a",
        "command": ["run", "50%", "two words"],
        "directory": "/d",
        "environment": {"A": "1%"},
    }
    text = section(inputs)
    assert "command=run 50%% 'two words'" in text
    assert 'environment=A="1%%"' in text


@pytest.mark.parametrize(
    ("bad", "about"),
    [
        ({"name": "Web Server"}, "name"),
        ({"command": ["a\nb"]}, "command"),
        ({"environment": {"A": 'a"b'}}, "command"),
        ({"port": 21000}, "host"),
    ],
)
def test_given_a_service_supervisor_cannot_carry_when_checked_then_it_is_refused(
    bad: dict[str, Any], about: str
) -> None:
    assert set(Service().check({"name": "web", "command": ["x"], **bad})) == {about}


def test_given_services_stopped_on_purpose_when_read_then_the_state_stays(tmp_path: Path) -> None:
    files.write(layout.stopped_marker(tmp_path), "")
    state = {"home": str(tmp_path), "name": "web", "status": "running"}
    assert Service().read(state) == state
    assert Supervisor().read(state) == state
    layout.stopped_marker(tmp_path).unlink()
    assert (Service().read(state) or {})["status"] == "not running, like its supervisor"
    assert (Supervisor().read(state) or {})["status"] == "not running"


def test_given_no_tracking_server_when_read_then_the_last_known_state_stays(tmp_path: Path) -> None:
    state = {"home": str(tmp_path), "name": "dev/churn", "experiment_id": "1"}
    assert MlflowExperiment().read(state) == state
    MlflowExperiment().delete(state)
    with pytest.raises(failure.Unreachable, match="factory up shared"):
        MlflowExperiment().create({"home": str(tmp_path), "name": "dev/churn"})


def test_given_a_tracking_server_that_is_down_when_deleted_then_its_database_is_not_forgotten(tmp_path: Path) -> None:
    files.write(layout.tracking(tmp_path) / "mlflow.db", "")
    with pytest.raises(failure.Unreachable):
        MlflowExperiment().delete({"home": str(tmp_path), "name": "dev/churn", "experiment_id": "1"})


@pytest.mark.parametrize(
    "grant",
    [
        {"type": "experiment", "pattern": "*", "permission": "READ"},
        {"type": "registered_model", "pattern": "churn.*", "permission": "READ"},
        {"type": "workspace", "pattern": "1", "permission": "READ"},
        {"type": "experiment", "pattern": "1", "permission": "ALL"},
    ],
)
def test_given_a_grant_on_more_than_one_thing_when_checked_then_it_is_refused(grant: dict[str, str]) -> None:
    good = {"type": "experiment", "pattern": "1", "permission": "READ"}
    assert MlflowRole().check({"permissions": [good]}) == {}
    assert set(MlflowRole().check({"permissions": [good, grant]})) == {"permissions"}


def test_given_a_runtime_folder_of_somebody_else_when_started_then_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "runtime", lambda home: Path(home) / "runtime")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runtime").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Failure, match="belongs to somebody else"):
        layout.make_runtime(tmp_path)


def test_given_a_home_with_a_long_path_when_a_socket_is_named_then_it_fits(tmp_path: Path) -> None:
    assert len(str(layout.socket(tmp_path / ("x" * 200)))) < 100


def test_given_a_leases_file_that_is_broken_when_read_then_the_message_names_it(tmp_path: Path) -> None:
    files.write(layout.ports(tmp_path), "{")
    with pytest.raises(Failure, match=r"ports\.json is damaged"):
        files.own_json(layout.ports(tmp_path))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FACTORY_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c/ports"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/aifactory/ports"),
        ({"FACTORY_CACHE": "", "XDG_CACHE_HOME": ""}, "/me/.cache/aifactory/ports"),
    ],
)
def test_given_a_cache_folder_when_leases_are_kept_then_they_lie_in_the_one_the_tool_uses(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FACTORY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/me", **variables}.items():
        monkeypatch.setenv(name, value)
    assert registry() == Path(expected) == tool_home.cache() / "ports"


def test_given_a_relative_cache_folder_when_leases_are_kept_then_it_does_not_depend_on_where_one_stands_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTORY_CACHE", "near")
    assert registry() == tmp_path / "near" / "ports" == tool_home.cache() / "ports"
