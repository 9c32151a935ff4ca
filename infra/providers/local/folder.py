"""Resource Folder: a folder and the folders it holds, with a mode. Taken away with everything in it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.providers.local.failure import Failure
from infra.providers.local.kind import Kind, Values

_COMPLETE = "complete"


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
        """Remove the folder and everything in it."""
        try:
            shutil.rmtree(state["path"])
        except FileNotFoundError:
            return
        except OSError as error:
            raise Failure(
                f"{state['path']} cannot be removed ({error.strerror}): see which program uses it, then run this again"
            ) from None
