"""Resource Token: a random secret in a file of its owner's, mode 0600, kept encrypted in the state."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.providers.local import admission, files, rotation_mark
from infra.providers.local.kind import Kind, Values
from infra.providers.local.secret_file import WRITTEN, status_of

_BYTES = 32


class Token(Kind):
    """A file `{"identity", "roles", "login", <key>: secret}`.

    With `admits`, the file there holds the secret's digest, by which the scoring service knows its bearer, until the
    end of the day `until`. A new secret is drawn when its rotation is asked for; the old one may overlap with it.
    """

    inputs = frozenset({"path", "identity", "roles", "login", "key", "admits", "until"})
    replaced_by = frozenset({"path", "key", "admits"})
    made = frozenset({"value"})
    secret = frozenset({"value"})

    def desired(self, inputs: Values) -> Values:
        """The file holds the secret."""
        del inputs
        return {"status": WRITTEN}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Draw a secret and write it; a file that holds one already keeps it."""
        path = Path(inputs["path"])
        found = files.own_json(path).get(inputs["key"])
        value = found if isinstance(found, str) and found else secrets.token_urlsafe(_BYTES)
        return str(path), self._write(inputs, value, [])

    def read(self, state: Values) -> Values | None:
        """Never gone: a missing file is written again with the same secret."""
        status = status_of(Path(state["path"]), state["key"], state["value"])
        if status == WRITTEN and "admits" in state:
            wanted = admission.entries(state["value"], state.get("until"), state.get("retiring", []))
            status = admission.status_of(Path(state["admits"]), state["roles"], wanted) or status
        return {**state, "status": status}

    def update(self, state: Values, inputs: Values) -> Values:
        """Write the same secret again, or a new one when that is asked for."""
        path = Path(inputs["path"])
        overlap = rotation_mark.overlap(path)
        if overlap is None:
            return self._write(inputs, state["value"], state.get("retiring", []))
        written = self._write(inputs, secrets.token_urlsafe(_BYTES), self._retiring(state, overlap))
        rotation_mark.done(path)
        return written

    def delete(self, state: Values) -> None:
        """Remove the file; whoever bears the secret is let in no more."""
        if "admits" in state:
            Path(state["admits"]).unlink(missing_ok=True)
        rotation_mark.done(Path(state["path"]))
        Path(state["path"]).unlink(missing_ok=True)

    @staticmethod
    def _retiring(state: Values, overlap: float) -> list[admission.Entry]:
        """The secret until now for `overlap` seconds, beside those that were promised longer; 0 ends all at once."""
        if not overlap:
            return []
        now = datetime.now(UTC)
        end = (now + timedelta(seconds=overlap)).isoformat(timespec="milliseconds")
        return [admission.entry(state["value"], end), *admission.unexpired(state.get("retiring", []), now)]

    @staticmethod
    def _write(inputs: Values, value: str, retiring: list[admission.Entry]) -> Values:
        """First whom the service lets in, then what its bearer reads: in between both secrets are good."""
        who = {key: inputs[key] for key in ("identity", "roles", "login")}
        if "admits" in inputs:
            wanted = admission.entries(value, inputs.get("until"), retiring)
            admission.write(Path(inputs["admits"]), inputs["login"], inputs["roles"], wanted)
        files.write(Path(inputs["path"]), json.dumps({**who, inputs["key"]: value}, indent=2) + "\n")
        kept = {"retiring": retiring} if retiring else {}
        return {**inputs, "value": value, "status": WRITTEN, **kept}
