"""Problems reach real receivers: a webhook that is dead for a day, a kill between sending and noting, mail, a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.events import kinds, record
from aifactory_runtime.notify import sending
from tests.unit.runtime.notify.receivers import MailServer, Webhook, answering, secret

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FOLDERS = ("tracking", "registry", "data", "artifact", "capture", "release", "audit", "events", "logs", "snapshot")


def prod(place: Path, *channels: dict[str, Any]) -> EnvironmentContract:
    """An environment that tells these channels."""
    folders = {f"{key}_uri": str(place / key) for key in _FOLDERS}
    values = {"use_case": "churn", "environment": "prod", "identity": "release", "data_source": "data.csv"}
    values |= {"experiment": "prod/churn", "model_name": "churn.prod"}
    return EnvironmentContract.model_validate({**values, **folders, "notify": channels})


def hook(place: Path, server: Webhook, **more: Any) -> dict[str, Any]:
    return {"name": "chat", "kind": "webhook", "address_file": secret(place / "hook", server.address), **more}


def drifts(contract: EnvironmentContract, count: int = 1, now: datetime = NOW) -> None:
    for number in range(count):
        record.found(Path(contract.events_uri), kinds.DRIFT, {"value": "private"}, f"c{number}", now=now)


def box_of(contract: EnvironmentContract) -> str:
    return "".join(path.read_text() for path in Path(contract.events_uri, "outbox").glob("outbox-*.jsonl"))


@pytest.mark.slow
def test_given_a_webhook_that_is_dead_for_a_day_fault_59_then_nothing_is_lost_and_all_comes_once_and_in_order(
    tmp_path: Path,
) -> None:
    dead = Webhook()
    log = {"name": "log", "kind": "file", "path": str(tmp_path / "log.jsonl")}
    contract = prod(tmp_path, hook(tmp_path, dead), log)
    dead.server_close()
    drifts(contract, 20)
    failures = 0
    for minute in range(0, 24 * 60, 20):
        done = sending.tell(contract, NOW + minute * MINUTE)
        failures += len(done.troubles)
    assert 24 <= failures <= 40, "it is not asked each time"
    record.over(Path(contract.events_uri), [f"drift:c{number}" for number in range(20)], {}, NOW + DAY + MINUTE)
    assert sending.tell(contract, NOW + DAY + MINUTE).told[0].what == "over"

    alive = Webhook(dead.server_port)
    with answering(alive):
        for minute in (62, 63):
            done = sending.tell(contract, NOW + DAY + minute * MINUTE)
            assert done.troubles == []

    assert [(one["what"], len(one["keys"])) for one in alive.got] == [("opened", 20), ("over", 20)]
    assert alive.ids == [one["id"] for one in alive.got]
    assert done.waiting == []
    assert [json.loads(line)["id"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == alive.ids
    assert "s3cret" not in box_of(contract)
    assert "private" not in json.dumps(alive.got), "facts may hold values of data"


_KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.notify import sending
def by(channel, message):
    sending.send(channel, message)
    os.kill(os.getpid(), signal.SIGKILL)
contract = EnvironmentContract.model_validate_json(sys.argv[1])
sending.tell(contract, datetime.fromisoformat(sys.argv[2]), by)
"""


@pytest.mark.slow
def test_given_a_kill_between_sending_and_noting_then_one_message_comes_twice_with_one_id(tmp_path: Path) -> None:
    server = Webhook()
    contract = prod(tmp_path, hook(tmp_path, server))
    drifts(contract)
    record.found(Path(contract.events_uri), kinds.SERVICE_DOWN, {}, now=NOW)
    with answering(server):
        command = [sys.executable, "-c", _KILLED, contract.model_dump_json(), NOW.isoformat()]
        killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        assert killed.returncode == -signal.SIGKILL
        sending.tell(contract, NOW + MINUTE)
        sending.tell(contract, NOW + 2 * MINUTE)
    assert [one["kind"] for one in server.got] == ["drift", "drift", "service_down"]
    assert server.ids[0] == server.ids[1] != server.ids[2]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["slack", "teams"])
def test_given_a_chat_then_it_gets_its_own_form_in_which_a_column_is_no_link(tmp_path: Path, form: str) -> None:
    server = Webhook()
    contract = prod(tmp_path, hook(tmp_path, server, form=form))
    record.found(Path(contract.events_uri), kinds.DRIFT, {}, "<!channel>[x](http://y)", now=NOW)
    with answering(server):
        assert sending.tell(contract, NOW).troubles == []
    if form == "slack":
        assert "drift:&lt;!channel&gt;[x](http://y)" in server.got[0]["text"]
        assert "what to do: look whether" in server.got[0]["text"]
    else:
        card = server.got[0]["attachments"][0]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert r"\[x\]\(http://y\)" in card["content"]["body"][0]["text"]


@pytest.mark.slow
def test_given_mail_then_it_has_subject_recipients_and_the_id_and_none_goes_out_readable_unless_asked(
    tmp_path: Path,
) -> None:
    server = MailServer()
    channel = {
        "name": "mail",
        "kind": "email",
        "server": "127.0.0.1",
        "port": server.server_address[1],
        "sender": "factory@example.com",
        "recipients": ["ana@example.com", "ben@example.com"],
    }
    safe, plain = prod(tmp_path, channel), prod(tmp_path, {**channel, "encryption": "none"})
    drifts(safe)
    with answering(server):
        refused = sending.tell(safe, NOW)
        assert (server.letters, len(refused.troubles)) == ([], 1)
        assert sending.tell(plain, NOW + MINUTE).troubles == []
    (letter,) = server.letters
    assert "Subject: churn prod: drift:c0: opened (warning)" in letter
    assert "To: ana@example.com, ben@example.com" in letter
    assert f"Message-ID: <{refused.told[0].id}@example.com>" in letter


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("https://hooks.example.com/s3cret", 0o644, "can be read by others: chmod 600"),
        ("http://hooks.example.com/s3cret", 0o600, "is not https://"),
        ("s3cret", 0o600, "holds no address"),
        ("https://[s3cret", 0o600, "holds no address"),
        ("", 0o600, "holds no secret"),
    ],
)
def test_given_an_address_that_may_not_be_used_then_nothing_is_sent_and_the_trouble_does_not_repeat_it(
    tmp_path: Path, text: str, mode: int, says: str
) -> None:
    contract = prod(
        tmp_path, {"name": "chat", "kind": "webhook", "address_file": secret(tmp_path / "hook", text, mode)}
    )
    drifts(contract)
    (trouble,) = sending.tell(contract, NOW).troubles
    assert says in trouble
    assert "s3cret" not in trouble + box_of(contract)


@pytest.mark.slow
@pytest.mark.parametrize(("status", "passed_by"), [(302, False), (404, False), (500, False), (400, True)])
def test_given_an_answer_that_is_no_success_then_the_message_waits(
    tmp_path: Path, status: int, passed_by: bool
) -> None:
    server = Webhook()
    contract = prod(tmp_path, hook(tmp_path, server))
    drifts(contract)
    record.found(Path(contract.events_uri), kinds.SERVICE_DOWN, {}, now=NOW)
    with answering(server):
        server.status = status
        done = sending.tell(contract, NOW)
        assert len(done.troubles) == (2 if passed_by else 1)
        assert f"answered {status}" in done.troubles[0]
        assert len(done.waiting) == 2
        server.status = 200
        assert sending.tell(contract, NOW + MINUTE).waiting == []


def test_given_a_look_or_no_channel_then_nothing_is_written(tmp_path: Path) -> None:
    contract = prod(tmp_path, {"name": "log", "kind": "file", "path": str(tmp_path / "log.jsonl")})
    nobody = prod(tmp_path)
    drifts(contract)
    assert [one.what for one in sending.look(contract, NOW).told] == ["opened"]
    assert sending.tell(nobody, NOW) == sending.Done()
    assert not Path(contract.events_uri, "outbox").exists()
    assert not (tmp_path / "log.jsonl").exists()
