"""Resource File: a small text file with a mode; its digest shows when somebody else wrote it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from infra.providers.local import files
from infra.providers.local.kind import Kind, Values
from infra.providers.protocol.values import UNKNOWN, Unknown


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


class File(Kind):
    """A file written whole. Never for secrets: its content is readable in the state."""

    inputs = frozenset({"path", "content", "mode"})
    replaced_by = frozenset({"path"})
    made = frozenset({"sha256"})

    def desired(self, inputs: Values) -> Values:
        """The digest of the content."""
        content = inputs["content"]
        return {"sha256": UNKNOWN if isinstance(content, Unknown) else _digest(content)}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Write it."""
        files.write(Path(inputs["path"]), inputs["content"], int(inputs["mode"], 8))
        return inputs["path"], {**inputs, **self.desired(inputs)}

    def read(self, state: Values) -> Values | None:
        """Gone when the file is; drift when content or mode are not as written."""
        path = Path(state["path"])
        if not path.is_file():
            return None
        mode = f"{path.stat().st_mode & 0o777:04o}"
        return {**state, "mode": mode, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    def update(self, state: Values, inputs: Values) -> Values:
        """Write it again."""
        del state
        return self.create(inputs)[1]

    def foreseen(self, state: Values, inputs: Values) -> Values:
        """The digest follows the content."""
        return {**super().foreseen(state, inputs), **self.desired(inputs)}

    def delete(self, state: Values) -> None:
        """Remove it."""
        Path(state["path"]).unlink(missing_ok=True)
