"""Resource HashKeys: the keys that hash what a use case records: a file of mode 0600, encrypted in the state."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from infra.providers.local import files, rotation_mark
from infra.providers.local.kind import Kind, Values
from infra.providers.local.secret_file import WRITTEN, status_of

_BYTES = 32


class HashKeys(Kind):
    """A file `{"keys": [{"version": 1, "key": 64 hexadecimal digits}]}`.

    A rotation adds a key. Those before stay, as what was hashed with them has to be found again.
    """

    inputs = frozenset({"path"})
    replaced_by = frozenset({"path"})
    made = frozenset({"keys"})
    secret = frozenset({"keys"})

    def desired(self, inputs: Values) -> Values:
        """The file holds the keys."""
        del inputs
        return {"status": WRITTEN}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Draw a first key; a file that holds some already keeps them."""
        path = Path(inputs["path"])
        return str(path), _written(inputs, files.own_json(path).get("keys") or [_key(1)])

    def read(self, state: Values) -> Values | None:
        """Never gone: a missing file is written again with the same keys."""
        return {**state, "status": status_of(Path(state["path"]), "keys", state["keys"], "holds other keys")}

    def update(self, state: Values, inputs: Values) -> Values:
        """Write the same keys again, with one more when that is asked for."""
        path, keys = Path(inputs["path"]), list(state["keys"])
        if rotation_mark.overlap(path) is None:
            return _written(inputs, keys)
        written = _written(inputs, [*keys, _key(1 + max(one["version"] for one in keys))])
        rotation_mark.done(path)
        return written

    def delete(self, state: Values) -> None:
        """Remove the file: what was hashed can be tied to nobody any more."""
        path = Path(state["path"])
        rotation_mark.done(path)
        path.unlink(missing_ok=True)


def _key(version: int) -> dict[str, Any]:
    return {"version": version, "key": secrets.token_hex(_BYTES)}


def _written(inputs: Values, keys: list[dict[str, Any]]) -> Values:
    whole = [{**one, "version": int(one["version"])} for one in keys]
    files.write(Path(inputs["path"]), json.dumps({"keys": whole}, indent=2) + "\n")
    return {**inputs, "keys": whole, "status": WRITTEN}
