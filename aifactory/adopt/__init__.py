"""A repo made by hand becomes one of the factory's: files added, nothing overwritten, a plan first."""

from aifactory.adopt.adopt import Adoption, adopt, check
from aifactory.adopt.table import Source, source

__all__ = ["Adoption", "Source", "adopt", "check", "source"]
