"""Released code: a copy of the repo by commit, environments by lock, and who holds on to which."""
