"""Resource Folder: a folder and the folders it holds, with a mode. Taken away with everything in it."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from infra.providers.local import files
from infra.providers.local.kind import Kind, Values
from infra.providers.protocol.failure import Failure

_COMPLETE = "complete"
_PATIENCE_SECONDS = 120.0
"""So long the removal waits for programs that are at work in a folder: a look at the monitors takes seconds."""
_LOOK_SECONDS = 0.2
_WRITTEN_MEANWHILE = (errno.ENOTEMPTY, errno.ENOENT)


class Folder(Kind):
    """A folder; one that is there is adopted with its contents."""

    inputs = frozenset({"path", "children", "mode", "tags"})
    replaced_by = frozenset({"path"})

    def check(self, inputs: Values) -> Mapping[str, str]:
        """Absolute paths, and children that stay inside."""
        problems = {}
        if isinstance(inputs.get("path"), str) and not Path(inputs["path"]).is_absolute():
            problems["path"] = f"is not absolute: {inputs['path']}"
        if any(Path(child).is_absolute() or ".." in Path(child).parts for child in inputs.get("children", [])):
            problems["children"] = "lead out of the folder"
        return problems

    def desired(self, inputs: Values) -> Values:
        """All children are there."""
        del inputs
        return {"status": _COMPLETE}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make the folder and its children."""
        path = Path(inputs["path"])
        for folder in (path, *(path / child for child in inputs.get("children", []))):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(int(inputs["mode"], 8))
        return str(path), {**inputs, "status": _COMPLETE}

    def read(self, state: Values) -> Values | None:
        """Gone when the folder is; drift when a child is or the mode is another."""
        path = Path(state["path"])
        if not path.is_dir():
            return None
        missing = [child for child in state.get("children", []) if not (path / child).is_dir()]
        status = f"missing: {', '.join(missing)}" if missing else _COMPLETE
        return {**state, "mode": f"{path.stat().st_mode & 0o777:04o}", "status": status}

    def update(self, state: Values, inputs: Values) -> Values:
        """Make what is missing; a child no longer asked for stays, it may hold something."""
        del state
        return self.create(inputs)[1]

    def delete(self, state: Values) -> None:
        """Remove the folder and everything in it, once no program that is at work there holds a lock file."""
        path, until = Path(state["path"]), time.monotonic() + _PATIENCE_SECONDS
        while os.path.lexists(path):
            holder = files.holder_in(path)
            if holder is None and _removed(path):
                return
            if time.monotonic() > until:
                raise Failure(
                    f"{path} cannot be removed: {holder or 'a program'} is still at work in it; "
                    "wait until it ends or end it, then run this again"
                )
            time.sleep(_LOOK_SECONDS)


def _removed(path: Path) -> bool:
    """Try to remove the folder; False when a program wrote or removed something in it meanwhile."""
    try:
        shutil.rmtree(path)
    except OSError as error:
        if error.errno in _WRITTEN_MEANWHILE:
            return False
        raise Failure(
            f"{path} cannot be removed ({error.strerror}): see which program uses it, then run this again"
        ) from None
    return True
