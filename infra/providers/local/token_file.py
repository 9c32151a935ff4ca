"""Resource Token: a random secret in a file of its owner's, mode 0600, kept encrypted in the state."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from infra.providers.local import layout
from infra.providers.local.kind import Kind, Values

WRITTEN = "written"
_BYTES = 32


def status_of(path: Path, key: str, value: str) -> str:
    """Whether the file holds the secret and only its owner can read it."""
    if not path.is_file():
        return "missing"
    if path.stat().st_mode & 0o077:
        return "open to others"
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get(key)
    except (ValueError, AttributeError):
        return "not JSON"
    return WRITTEN if found == value else "holds another secret"


class Token(Kind):
    """A file `{"identity", "roles", "login", <key>: secret}`."""

    inputs = frozenset({"path", "identity", "roles", "login", "key"})
    replaced_by = frozenset({"path", "key"})
    made = frozenset({"value"})
    secret = frozenset({"value"})

    def desired(self, inputs: Values) -> Values:
        """The file holds the secret."""
        del inputs
        return {"status": WRITTEN}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Draw a secret and write it; a file that holds one already keeps it."""
        path = Path(inputs["path"])
        found = layout.read_json(path).get(inputs["key"])
        value = found if isinstance(found, str) and found else secrets.token_urlsafe(_BYTES)
        return str(path), self._write(inputs, value)

    def read(self, state: Values) -> Values | None:
        """Never gone: a missing file is written again with the same secret."""
        return {**state, "status": status_of(Path(state["path"]), state["key"], state["value"])}

    def update(self, state: Values, inputs: Values) -> Values:
        """Write the same secret again."""
        return self._write(inputs, state["value"])

    def delete(self, state: Values) -> None:
        """Remove the file."""
        Path(state["path"]).unlink(missing_ok=True)

    @staticmethod
    def _write(inputs: Values, value: str) -> Values:
        who = {key: inputs[key] for key in ("identity", "roles", "login")}
        layout.write(Path(inputs["path"]), json.dumps({**who, inputs["key"]: value}, indent=2) + "\n")
        return {**inputs, "value": value, "status": WRITTEN}
