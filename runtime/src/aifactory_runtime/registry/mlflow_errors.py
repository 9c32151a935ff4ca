"""MLflow's errors, and those of the database under it, as one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aifactory_runtime.errors import FactoryError

_REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
"""What MLflow makes of 403 and 401, whether the answer says so or only its status does."""


@dataclass(frozen=True)
class Mend:
    """What to do about an MLflow that does not answer, and about a login that it refuses."""

    silent: str = "run factory start, then this again"
    refused: str = "check with factory status"


HERE = Mend()
"""Of the platform's own server."""


@contextmanager
def one_line(address: str, mend: Mend = HERE) -> Iterator[None]:
    """Errors of what is done at `address` are FactoryErrors."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except _database_errors(address) as error:
        found = str(error).strip().partition("\n")[0][:200]
        raise FactoryError(f"{address}: {found}; restore it from a backup, or move it away to begin anew") from None
    except MlflowException as error:
        first = str(error.message).strip().splitlines()[0][:300] if str(error.message).strip() else error.error_code
        if _unreachable(error):
            raise no_answer(address, mend) from None
        raise (refused(address, first, mend) if error.error_code in _REFUSED else said(address, first)) from None


def no_answer(address: str, mend: Mend = HERE) -> FactoryError:
    """Nobody is there."""
    return FactoryError(f"MLflow at {address} does not answer: {mend.silent}")


def refused(address: str, why: str, mend: Mend = HERE) -> FactoryError:
    """The login may not."""
    return FactoryError(f"MLflow at {address} refuses this login: {why}; {mend.refused}")


def said(address: str, why: str) -> FactoryError:
    """Anything else that it says."""
    return FactoryError(f"MLflow at {address}: {why}")


def _unreachable(error: BaseException) -> bool:
    """Whether nobody answered; MLflow keeps it as the cause, but in its own threads only in the text."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    cause = error.__cause__ or error.__context__
    return isinstance(cause, NoConnection | Timeout) or "Max retries exceeded" in str(error)


def _database_errors(address: str) -> tuple[type[Exception], ...]:
    """What a damaged or full database raises beside MLflow; none where a server answers."""
    if not address.startswith("sqlite:"):
        return ()
    from sqlalchemy.exc import DatabaseError

    return (DatabaseError,)
