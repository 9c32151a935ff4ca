"""What is read and written whole under a key: in a folder of this machine, or as objects of a bucket."""

from aifactory_runtime.storage.address import delta_options, open_store
from aifactory_runtime.storage.port import Changed, Denied, Entry, Exists, Missing, NoBucket, Object, Store

__all__ = [
    "Changed",
    "Denied",
    "Entry",
    "Exists",
    "Missing",
    "NoBucket",
    "Object",
    "Store",
    "delta_options",
    "open_store",
]
