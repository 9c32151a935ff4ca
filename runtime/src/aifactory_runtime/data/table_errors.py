"""What goes wrong with a table, as one line that says what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aifactory_runtime.data import removals
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place


@contextmanager
def one_line(name: str) -> Iterator[None]:
    """What disk, Delta and Arrow raise, as one line; Arrow's words are not repeated, they may hold values."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise FactoryError(f"table {name}: {_said(error)}; check the disk's space and rights, then run again") from None


@contextmanager
def readable(folder: Place, name: str, version: int | None = None) -> Iterator[None]:
    """A log or a file that is cut off, damaged or gone stays so however often it is read: the line says what mends it.

    A version that was removed is none of these. What is no damage, such as rights or a failing disk, is said as
    `one_line` says it.
    """
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    with one_line(name):
        try:
            yield
        except (DeltaError, FileNotFoundError, ValueError, pa.ArrowException) as error:
            if version is not None and (removal := removals.find(folder, name, str(version))):
                raise FactoryError(f"version {version} of table {name} {removal.when}") from None
            raise FactoryError(
                f"table {name} is damaged ({_said(error)}): restore {folder / name} from a backup, or move it away to "
                "begin anew"
            ) from None


def _said(error: Exception) -> str:
    """The first line of what failed; of what Arrow could not convert only its kind, as it may hold values."""
    return type(error).__name__ if isinstance(error, ValueError) else str(error).strip().partition("\n")[0][:200]
