"""A repo follows its template: every line of its owner kept, and all of it or nothing."""

from aifactory.update.plan import Plan
from aifactory.update.update import abort, go_on, interrupted, refuse_open, refuse_unready, settle, top, update, waiting

__all__ = [
    "Plan",
    "abort",
    "go_on",
    "interrupted",
    "refuse_open",
    "refuse_unready",
    "settle",
    "top",
    "update",
    "waiting",
]
