"""The engine's messages, without the rest of Pulumi's library, whose import is half of a start of this provider.

The modules are the library's own; only the package around them is bare, as `import pulumi.runtime.proto` would first
import all of `pulumi`. How values are marked in them is the engine's protocol, which tests compare with the library's.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

__all__ = ["MARK", "SECRET", "UNKNOWN", "plugin_pb2", "provider_pb2", "provider_pb2_grpc"]
MARK = "4dabf18193072939515e22adb298388d"
"""Key of a map that stands for something else; its value says what."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, and public
"""Value of MARK where the map's `value` is secret."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""String in place of a value that is not known yet."""
_BARE = "pulumi_messages"


def _package() -> ModuleType:
    """A package that holds the library's generated modules and nothing else."""
    found = importlib.util.find_spec("pulumi")  # which imports nothing
    if found is None or found.origin is None:
        raise ModuleNotFoundError("pulumi is not installed", name="pulumi")
    package = ModuleType(_BARE)
    package.__path__ = [str(Path(found.origin).parent / "runtime" / "proto")]
    return package


if not TYPE_CHECKING:
    sys.modules.setdefault(_BARE, _package())
    plugin_pb2 = importlib.import_module(f"{_BARE}.plugin_pb2")
    provider_pb2 = importlib.import_module(f"{_BARE}.provider_pb2")
    provider_pb2_grpc = importlib.import_module(f"{_BARE}.provider_pb2_grpc")
