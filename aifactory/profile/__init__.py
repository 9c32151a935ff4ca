"""Look at a table in batches: what its columns are, what can be learned from it, and what speaks against it."""

from aifactory.profile.intake import Intake, take_in
from aifactory.profile.proposal import Column, Proposal, Wishes, candidates, propose
from aifactory.profile.scan import Table, scan

__all__ = ["Column", "Intake", "Proposal", "Table", "Wishes", "candidates", "propose", "scan", "take_in"]
